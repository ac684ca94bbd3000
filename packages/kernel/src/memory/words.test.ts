import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wantedWords, wordsOf } from './words.ts';

describe('the words of a text', () => {
  it('are the same whatever their case, their accents and their width', () => {
    for (const [one, other] of [
      ['Straße Café', 'STRASSE cafe\u0301'],
      ['STRAẞE', 'straße'],
      ["ΟΔΟΣ'Α ΟΔΟΣ.gr", 'οδός α οδός gr'],
      ['ＡＢＣ１２', 'abc12'],
      ['İstanbul ıssız', 'istanbul issiz'],
      ['ΟΔΟΣ', 'οδός'],
      ['Ёлка', 'елка'],
      ['ﬁn', 'FIN'],
    ] as const) {
      expect(wordsOf(one)).toEqual(wordsOf(other));
    }
    expect(wordsOf('Straße Café')).toEqual(['strasse', 'cafe']);
  });

  it('are letters and digits; all else is between them', () => {
    expect(wordsOf('task_id: agent-7\'s plan.v2 (3.5) AND "x" * \0')).toEqual([
      'task',
      'id',
      'agent',
      '7',
      's',
      'plan',
      'v2',
      '3',
      '5',
      'and',
      'x',
    ]);
    expect(wordsOf(' \n\t—…\ud800')).toEqual([]);
  });

  it('keep the signs that are letters in other scripts', () => {
    expect(wordsOf('हिन्दी में')).toEqual(['हिन्दी', 'में']);
    expect(wordsOf('한국어 가')).toEqual(['한국어', '가']);
  });

  it('are characters and pairs of them where words are not set apart', () => {
    expect(wordsOf('東京都 x')).toEqual(['東', '京', '都', '東京', '京都', 'x']);
    expect(wantedWords('東京都')).toEqual(['東京', '京都']);
    expect(wantedWords('京')).toEqual(['京']);
    expect(wordsOf('v2版')).toEqual(['v2', '版']);
  });

  it('are emoji, too', () => {
    expect(wordsOf('go 🚀🐝')).toEqual(['go', '🚀', '🐝']);
  });

  it('have an end', () => {
    expect(wordsOf('a'.repeat(1000))).toEqual(['a'.repeat(64)]);
    expect(wordsOf('𝔸'.repeat(100) + '🐝'.repeat(2))).toEqual(['a'.repeat(64), '🐝', '🐝']);
    expect(wordsOf('\u{10400}'.repeat(100))).toEqual(['\u{10428}'.repeat(64)]);
    expect(wordsOf('東京'.repeat(100_000))).toHaveLength(399_999);
    expect(wantedWords(Array.from({ length: 100_000 }, (_, n) => `w${n}`).join(' '))).toHaveLength(32);
  });

  it('are found in no time, whatever signs are heaped on a letter', () => {
    const heaps = ['\u0301\u0316', '\u05b0\u05b1', '\uff9e\u0301'].map((signs) => `a${signs.repeat(50_000)}`);
    const start = performance.now();
    expect(wordsOf([...heaps, 'bee'].join(' '))).toEqual(expect.arrayContaining(['a', 'bee']));
    // In order of their classes they would take seconds.
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('that say nothing are not looked for, unless there are no others', () => {
    expect(wantedWords('How do I get my money back?')).toEqual(['get', 'money', 'back']);
    expect(wantedWords('Wie komme ich an die Rechnung')).toEqual(['komme', 'die', 'rechnung']);
    expect(wantedWords('le prix de la pièce')).toEqual(['prix', 'piece']);
    expect(wantedWords('To be, or not to be')).toEqual(['to', 'be', 'or', 'not']);
    expect(wantedWords('the the the')).toEqual(['the']);
    expect(wordsOf('the money')).toEqual(['the', 'money']);
  });

  it('of one that is looked for are among those of itself', () => {
    const text = fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('東京', 'ß', 'a b', '🐝', 'İ')));
    fc.assert(
      fc.property(text, (parts) => {
        const whole = parts.join(' ');
        expect(wordsOf(whole)).toEqual(expect.arrayContaining(wantedWords(whole)));
      }),
    );
  });
});
