import type { JsonObject } from '@colonyos/client';
import { type Job, textOf } from './job.ts';

const TOP_WORDS = 8;
const WORD = /[\p{L}\p{N}_]+/gu;
/** Longer runs of letters are data, and are cut somewhere. */
const LONGEST_WORD = 500;
/** The beginning of a word that may go on in the next piece. */
const OPEN_WORD = /[\p{L}\p{N}_]+$/u;

/** TextAnalyzer: lines, words, and which of them are used most. */
export async function textFacts(job: Job): Promise<JsonObject> {
  const statistics = new TextStatistics();
  for await (const piece of textOf(job)) statistics.add(piece);
  return { ...statistics.facts(), bytes: job.bytes };
}

/** Counts text that comes in pieces, cut anywhere. Case does not tell words apart. */
export class TextStatistics {
  readonly #counts = new Map<string, number>();
  #words = 0;
  #lineBreaks = 0;
  #lineLength = 0;
  #longestLine = 0;
  #characters = 0;
  #openWord = '';
  #binary = false;

  add(piece: string): void {
    this.#characters += piece.length;
    this.#binary ||= piece.includes('\0');
    this.#countLines(piece);
    const text = this.#openWord + piece;
    this.#openWord = OPEN_WORD.exec(text.slice(-LONGEST_WORD))?.[0] ?? '';
    this.#countWords(text.slice(0, text.length - this.#openWord.length));
  }

  facts(): JsonObject {
    this.#countWords(this.#openWord);
    this.#openWord = '';
    const top = [...this.#counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, TOP_WORDS);
    return {
      // A last line without a line break is a line too.
      lines: this.#lineBreaks + (this.#lineLength > 0 ? 1 : 0),
      words: this.#words,
      distinct_words: this.#counts.size,
      longest_line: Math.max(this.#longestLine, this.#lineLength),
      characters: this.#characters,
      top_words: Object.fromEntries(top),
      ...(this.#binary && { binary: true }),
    };
  }

  #countLines(piece: string): void {
    let from = 0;
    for (let at = piece.indexOf('\n'); at !== -1; at = piece.indexOf('\n', from)) {
      this.#lineBreaks++;
      this.#longestLine = Math.max(this.#longestLine, this.#lineLength + at - from);
      this.#lineLength = 0;
      from = at + 1;
    }
    this.#lineLength += piece.length - from;
  }

  #countWords(text: string): void {
    for (const [match] of text.matchAll(WORD)) {
      const word = match.toLowerCase();
      this.#words++;
      this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
    }
  }
}
