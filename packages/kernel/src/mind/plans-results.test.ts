import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json } from '../core/json.ts';
import { type Piece, referencesIn, resolve } from './plans-results.ts';

const BOUNDS = { maxBytes: 1000, maxDepth: 31 };

function resolved(payload: Json, results: Readonly<Record<string, Json>>, bounds = BOUNDS): Json {
  const answer = resolve(payload, (key) => results[key], bounds);
  return 'error' in answer ? answer.error : answer.payload;
}

describe('a reference', () => {
  test('is found wherever it stands', () => {
    const payload = { a: [{ $result: 'one' }, { b: { $result: 'two.x.0' } }], c: '$result', d: { e: 1 } };
    const found = referencesIn(payload);
    expect('references' in found && found.references.map(({ key }) => key).sort()).toEqual(['one', 'two']);
    expect(referencesIn({ $result: 'a.b.0' })).toEqual({ references: [{ key: 'a', path: ['b', '0'] }] });
    for (const none of [null, 1, 'text', [], {}]) expect(referencesIn(none)).toEqual({ references: [] });
  });

  test('that is none is told with its place', () => {
    for (const value of [
      { $result: 1 },
      { $result: '' },
      { $result: 'a.' },
      { $result: '.a' },
      { $result: 'a', b: 1 },
    ]) {
      expect(referencesIn(value as Json)).toEqual({ at: '' });
      expect(referencesIn({ 'x/~': [0, value as Json] })).toEqual({ at: '/x~1~0/1' });
    }
  });

  test('goes into objects by name and into arrays by index', () => {
    const results = { k: { list: ['zero', { deep: null }], '0': 'name' } };
    expect(resolved({ $result: 'k.list.0' }, results)).toBe('zero');
    expect(resolved({ $result: 'k.list.1.deep' }, results)).toBeNull();
    expect(resolved({ $result: 'k.0' }, results)).toBe('name');
    expect(resolved({ $result: 'k' }, results)).toEqual(results.k);
  });

  test('finds nothing but what is there', () => {
    const results = { k: { list: [1], text: 'abc' } };
    for (const path of [
      'list.1',
      'list.-1',
      'list.00',
      'list.length',
      'text.0',
      'text.length',
      'toString',
      '__proto__',
    ])
      expect(resolved({ $result: `k.${path}` }, results)).toBe(
        `result_missing: there is no k.${path} in the result of k`,
      );
    expect(resolved({ $result: 'gone.x' }, {})).toMatch(/^result_missing: .* is not kept any more$/);
  });
});

test('what was not referred to stays as it was, whatever it is called', () => {
  const payload = JSON.parse('{"__proto__":{"a":1},"constructor":[{"$result":"k"}]}') as Json;
  expect(JSON.stringify(resolved(payload, { k: 'v' }))).toBe('{"__proto__":{"a":1},"constructor":["v"]}');
});

test('whatever a payload and a result are, the result stands where the reference stood, and nothing else has changed', () => {
  const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('$result'));
  fc.assert(
    fc.property(json, fc.jsonValue({ maxDepth: 3 }), json, (before, result, after) => {
      const payload = { before, list: [{ $result: 'k' }], after } as Json;
      const answer = resolve(payload, () => result as Json, { maxBytes: 1e9, maxDepth: 31 });
      const payloadAfter = JSON.stringify({ before, list: [result], after });
      expect(JSON.stringify('payload' in answer && answer.payload)).toBe(payloadAfter);
      // Its text is the same, though it was put together from parts.
      expect('text' in answer && answer.text).toBe(payloadAfter);
    }),
  );
});

test('what several refer to is written down once', () => {
  const known = new Map<string, Piece>();
  const payload = [{ $result: 'k' }, [{ $result: 'k' }]];
  for (let n = 0; n < 3; n++) resolve(payload, () => ['x'], BOUNDS, known);
  expect([...known]).toEqual([['k', { value: ['x'], text: '["x"]', depth: 1 }]]);
  known.set('k', { value: 1, text: '1', depth: 0 });
  expect(resolve(payload, () => ['x'], BOUNDS, known)).toEqual({ payload: [1, [1]], text: '[1,[1]]' });
});

test('what would be too large is told without making it', () => {
  const many = Array.from({ length: 100_000 }, () => ({ $result: 'k' }));
  expect(resolved(many, { k: 'x'.repeat(900) })).toMatch(/^result_too_large: .* more than 1000 bytes$/);
  // Also by what stands around it, and in bytes rather than characters.
  expect(resolved(['x'.repeat(992), { $result: 'k' }], { k: 'y' })).toHaveLength(2);
  expect(resolved(['x'.repeat(992), { $result: 'k' }], { k: 'ü' })).toMatch(/^result_too_large/);
});

test('what would nest too deep is told', () => {
  expect(resolved([[{ $result: 'k' }]], { k: [1] }, { maxBytes: 1000, maxDepth: 3 })).toEqual([[[1]]]);
  expect(resolved([[{ $result: 'k' }]], { k: [[1]] }, { maxBytes: 1000, maxDepth: 3 })).toMatch(
    /^result_too_deep: .* 3$/,
  );
});
