import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, jsonDepth } from './json.ts';

// As parsed from text: what a request brings. Minus zero is not JSON's.
const json = fc.json().map((text) => JSON.parse(text) as unknown);

/** The same value with the members of every object in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, shuffled(member)]),
  );
}

test('the canonical text is JSON for the same value', () => {
  fc.assert(fc.property(json, (value) => void expect(JSON.parse(canonicalJson(value))).toEqual(value)));
});

test('the order of members does not matter', () => {
  fc.assert(fc.property(json, (value) => void expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value))));
});

test('the order of elements does', () => {
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
});

test('what is canonical already stays as it is', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
    }),
  );
});

test('different values have different texts', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const same = canonicalJson(a) === canonicalJson(b);
      let equal = true;
      try {
        expect(a).toEqual(b);
      } catch {
        equal = false;
      }
      expect(same).toBe(equal);
    }),
  );
});

test.each([
  [
    'members are sorted by UTF-16 code units',
    { '\u20ac': 1, '\r': 2, '\ud83d\ude00': 3, a: 4, '\ufb33': 5, '10': 6, '9': 7 },
    '{"\\r":2,"10":6,"9":7,"a":4,"\u20ac":1,"\ud83d\ude00":3,"\ufb33":5}',
  ],
  [
    'numbers are as ECMAScript writes them',
    [1e21, 0.000001, 1e-7, -0, 4.5, 333333333.3333333],
    '[1e+21,0.000001,1e-7,0,4.5,333333333.3333333]',
  ],
  ['strings escape only what they must', '\u0007"\\/\n\u2028é', '"\\u0007\\"\\\\/\\n\u2028é"'],
  ['absent members are left out', { b: undefined, a: null }, '{"a":null}'],
  ['nothing inside is nothing', [{}, []], '[{},[]]'],
])('%s', (_, value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test.each([
  ['a scalar', 7, 0],
  ['an empty array', [], 1],
  ['an object in an array', [1, { a: 1 }], 2],
  ['the deepest branch', { a: [], b: [[[]]], c: 1 }, 4],
])('depth: %s', (_, value, depth) => {
  expect(jsonDepth(value, 32)).toBe(depth);
});

test('depth is counted no further than asked for, so that nobody can exhaust the stack', () => {
  let deep: unknown = 0;
  for (let n = 0; n < 1_000_000; n++) deep = [deep];
  expect(jsonDepth(deep, 32)).toBe(33);
});
