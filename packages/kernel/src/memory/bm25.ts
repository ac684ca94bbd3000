/**
 * How well a text fits words, by Okapi BM25 (Robertson and Zaragoza, 2009) with the rarity that is never negative, as Lucene
 * has it. Whoever adds up the weights of words in the order in which they were asked for gets the same number everywhere.
 */

/** How soon it does not matter any more that a word is there again. */
const SATURATION = 1.2;
/** How much longer texts are held against. */
const LENGTH = 0.75;

/** A word that is there more often than this counts as if it were there so often: a text may be nothing but one word. */
const MOST_TIMES = 255;

/** What a word tells by being there. @param having how many of the texts have it */
export function rarity(texts: number, having: number): number {
  return Math.log(1 + (texts - having + 0.5) / (having + 0.5));
}

/** How much of that counts. @param times how often the word is there @param words how many words the text has */
export function presence(times: number, words: number, meanWords: number): number {
  const counted = Math.min(times, MOST_TIMES);
  return (counted * (SATURATION + 1)) / (counted + SATURATION * (1 - LENGTH + (LENGTH * words) / meanWords));
}

/** The words of a text, each as often as it counts. */
export function countedWords(words: readonly string[]): readonly string[] {
  if (words.length <= MOST_TIMES) return words;
  const times = new Map<string, number>();
  return words.filter((word) => {
    const before = times.get(word) ?? 0;
    times.set(word, before + 1);
    return before < MOST_TIMES;
  });
}
