import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LONGEST_LOCAL, windowsOf } from './windows.ts';

/** About as a tokenizer does: a token for four characters of a word. */
const byWords = (text: string) => text.split(/\s+/).reduce((sum, word) => sum + Math.ceil(word.length / 4), 0);
const byCharacters = (text: string) => text.length;
const lengths = (text: string, count: (text: string) => number) => windowsOf(text, count).map((one) => one.text.length);

describe('a text is looked at in windows', () => {
  test('all of a short one in a single window', () => {
    expect(windowsOf('  a short text ', byWords)).toEqual([{ text: 'a short text', tokens: 4 }]);
  });

  test('which end between words and are about the same width', () => {
    const text = 'word '.repeat(200).trim();
    const windows = windowsOf(text, byWords);
    expect(windows.map((one) => one.text).join(' ')).toBe(text);
    expect(windows.map((one) => one.text.length)).toEqual([329, 334, 334]);
  });

  test('and narrower where it is more tokens than usual', () => {
    expect(lengths('x'.repeat(400), byCharacters)).toEqual([100, 100, 100, 100]);
  });

  test('no more of them than is good for anybody', () => {
    expect(lengths('word '.repeat(10_000), byWords).reduce((sum, length) => sum + length, 0)).toBeGreaterThan(
      LONGEST_LOCAL * 0.9,
    );
    expect(windowsOf('word '.repeat(10_000), byWords).length).toBeLessThanOrEqual(16);
    expect(lengths('x'.repeat(10_000), byCharacters)).toHaveLength(16);
    expect(lengths('ﷺ'.repeat(5000), byCharacters)).toHaveLength(16);
  });

  test('none of them is more than the model sees, and nothing between them is left out', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'bc', '.', ' ', '\n'), maxLength: 1500 }), (text) => {
        const windows = windowsOf(text, byCharacters);
        for (const one of windows) expect(one.tokens).toBeLessThanOrEqual(120);
        const seen = windows.map((one) => one.text).join('');
        if (windows.length < 16) expect(seen.replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
      }),
    );
  });
});
