import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TextStatistics } from './text.ts';

function facts(...pieces: string[]) {
  const statistics = new TextStatistics();
  for (const piece of pieces) statistics.add(piece);
  return statistics.facts();
}

describe('the statistics of a text', () => {
  test('count lines, words and the most frequent of them', () => {
    expect(facts('The bee, the hive;\nthe honey.\n')).toEqual({
      lines: 2,
      words: 6,
      distinct_words: 4,
      longest_line: 18,
      characters: 30,
      top_words: { the: 3, bee: 1, hive: 1, honey: 1 },
    });
  });

  test('know words of any script', () => {
    expect(facts('naïve Übung 蜜蜂 naïve')).toMatchObject({ words: 4, distinct_words: 3 });
  });

  test('count a last line without a line break, but no empty one', () => {
    expect([facts('a\nb').lines, facts('a\nb\n').lines, facts('').lines]).toEqual([2, 2, 0]);
  });

  test('take their time for words without an end, but not for ever', () => {
    expect(facts(...Array<string>(50).fill(`${'x'.repeat(100_000)} `))).toMatchObject({ words: 50 });
    expect(facts('x'.repeat(100_000), 'x')).toMatchObject({ lines: 1, longest_line: 100_001 });
  });

  test('say when it is not a text at all', () => {
    expect(facts('a\0b')).toMatchObject({ binary: true });
  });

  test('do not depend on where the text is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'B', 'é', ' ', '\n', '.', '_') });
    fc.assert(
      fc.property(fc.array(text), (pieces) => {
        expect(facts(...pieces)).toEqual(facts(pieces.join('')));
      }),
    );
  });
});
