import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JsonFacts, scanJson } from './json-scanner.ts';

function scan(text: string): JsonFacts {
  const scanning = scanJson(text);
  for (;;) {
    const step = scanning.next();
    if (step.done) return step.value;
  }
}

function accepts(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the scanner', () => {
  test('counts what is there', () => {
    const facts = scan('{"a": [1, -2.5e3, true, null, {"b": "x"}], "c": {}, "d": "\\u00e9"}');
    expect(facts).toMatchObject({
      valid: true,
      depth: 3,
      counts: { objects: 3, arrays: 1, strings: 2, numbers: 2, booleans: 1, nulls: 1 },
      keys: 4,
      duplicateKeys: 0,
    });
  });

  test('finds keys that are there twice, however they are written', () => {
    expect(scan('{"a": 1, "b": {"a": 2}, "\\u0061": 3}')).toMatchObject({ duplicateKeys: 1, firstDuplicate: 'a' });
  });

  test.each([
    ['', 'the text ends too early', 1, 1],
    ['{"a": 1,\n  "b" 2}', '"2" where : was expected', 2, 7],
    ['[1, 2,]', '"]" where a value was expected', 1, 7],
    ['{"a": 1,}', '"}" where a key was expected', 1, 9],
    ['[1 2]', '"2" where , or ] was expected', 1, 4],
    ['{"a": "b', 'the text ends within a string', 1, 9],
    ['"a\nb"', 'a control character in a string must be escaped', 1, 3],
    ['"\\x"', 'no such escape in a string', 1, 2],
    ['01', 'something follows the end of the value', 1, 2],
    ["{'a': 1}", '"\'" where a key or } was expected', 1, 2],
  ])('says of %j where it goes wrong', (text, message, line, column) => {
    expect(scan(text)).toMatchObject({ valid: false, error: { message, line, column } });
  });

  test('agrees with JSON.parse on every JSON text', () => {
    fc.assert(fc.property(fc.json(), (text) => scan(text).valid));
  });

  test('agrees with JSON.parse on what is almost JSON', () => {
    const piece = fc.constantFrom(...'{}[],:"\\u0a1-.eE tfn\n', 'true', 'false', 'null', '"a"', '12');
    const broken = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(broken, (text) => scan(text).valid === accepts(text)),
      { numRuns: 5_000 },
    );
  });

  test('does not run out of stack', () => {
    const depth = 200_000;
    expect(scan('['.repeat(depth) + ']'.repeat(depth))).toMatchObject({ valid: true, depth });
  });
});
