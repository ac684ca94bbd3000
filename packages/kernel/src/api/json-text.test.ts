import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonDepth } from '../core/json.ts';
import { NumberTooLarge, parseJson, textDepth } from './json-text.ts';

test.each(['1e309', '-1e309', '[1, {"a": [-2E+400]}]', '9'.repeat(400), '{"a": 1e999}'])('%s is refused', (text) => {
  expect(() => parseJson(text)).toThrow(NumberTooLarge);
});

test.each(['1e308', '-1.5e-400', '"1e999"', '{"1e999": "e123"}', '[null, true, "", 0]', '"9e9e999"', '[undefined]'])(
  '%s is as JSON.parse has it',
  (text) => {
    const attempt = (parse: (text: string) => unknown) => {
      try {
        return { value: parse(text) };
      } catch (error) {
        return { error: String(error) };
      }
    };
    expect(attempt(parseJson)).toEqual(attempt(JSON.parse));
  },
);

test('depth is no danger', () => {
  const text = `${'['.repeat(100_000)}1e999${']'.repeat(100_000)}`;
  expect(() => parseJson(text)).toThrow(NumberTooLarge);
});

test('how deep a text nests is told without its value', () => {
  expect(textDepth(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toBe(100_000);
  const json = fc.json({ maxDepth: 6, stringUnit: fc.constantFrom('"', '\\', '[', ']', '{', '}', 'a') });
  fc.assert(
    fc.property(json, (text) => {
      expect(textDepth(text)).toBe(jsonDepth(JSON.parse(text), 100));
      expect(textDepth(JSON.stringify(text))).toBe(0);
    }),
  );
});
