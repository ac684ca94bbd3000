import { presence, rarity } from '../bm25.ts';
import { type Found, Ranking } from '../ranking.ts';
import { eachWordOf, wantedWords } from '../words.ts';

/** A word, and how often those have it that do, by their numbers. */
interface Posting {
  readonly word: string;
  readonly times: Map<number, number>;
}

interface Text {
  readonly number: number;
  readonly words: number;
  readonly postings: readonly Posting[];
}

/** What a word takes, and what it takes that somebody has it: objects, and places in maps. */
const WORD_BYTES = 300;
const TIME_BYTES = 50;
/** So many are looked at before whoever asks may give way. */
const AT_A_TIME = 2048;

/** Texts, each somebody's, found by their words: see `words.ts`. */
export class TextIndex<T extends Found> {
  readonly #postings = new Map<string, Posting>();
  readonly #texts = new Map<T, Text>();
  /** By number; null: it is free. */
  readonly #owners: (T | null)[] = [];
  /** By number, how many words a text has. */
  readonly #lengths: number[] = [];
  readonly #free: number[] = [];
  #words = 0;
  #bytes = 0;

  /** About how much it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** It stops now and then; meanwhile nothing may be searched. */
  *add(owner: T, text: string): Generator<void, void> {
    const counts = new Map<string, number>();
    let words = 0;
    for (const word of eachWordOf(text)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      if (++words % AT_A_TIME === 0) yield;
    }
    const number = this.#free.pop() ?? this.#owners.length;
    const postings: Posting[] = [];
    this.#owners[number] = owner;
    this.#lengths[number] = words;
    this.#texts.set(owner, { number, words, postings });
    this.#words += words;
    for (const [word, count] of counts) {
      const posting = this.#postingOf(word);
      posting.times.set(number, count);
      this.#bytes += TIME_BYTES;
      if (postings.push(posting) % AT_A_TIME === 0) yield;
    }
  }

  remove(owner: T): void {
    const text = this.#texts.get(owner);
    if (!text) return;
    for (const { word, times } of text.postings) {
      times.delete(text.number);
      if (times.size > 0) continue;
      this.#postings.delete(word);
      this.#bytes -= WORD_BYTES;
    }
    this.#texts.delete(owner);
    this.#owners[text.number] = null;
    this.#free.push(text.number);
    this.#words -= text.words;
    this.#bytes -= text.postings.length * TIME_BYTES;
  }

  clear(): void {
    this.#postings.clear();
    this.#texts.clear();
    for (const list of [this.#owners, this.#lengths, this.#free]) list.length = 0;
    this.#words = 0;
    this.#bytes = 0;
  }

  /** Those that fit best of those that are accepted. It stops now and then; meanwhile nothing may be added or removed. */
  *search(text: string, limit: number, accepts: (owner: T) => boolean): Generator<void, Ranking<T>> {
    const best = new Ranking<T>(limit);
    const scores = new Float64Array(this.#owners.length);
    const mean = this.#words / this.#texts.size;
    let looked = 0;
    // Added up word by word, in the order in which they were asked for.
    for (const word of wantedWords(text)) {
      const posting = this.#postings.get(word);
      if (!posting) continue;
      const weight = rarity(this.#texts.size, posting.times.size);
      for (const [number, times] of posting.times) {
        scores[number]! += weight * presence(times, this.#lengths[number]!, mean);
        if (++looked % AT_A_TIME === 0) yield;
      }
    }
    if (looked === 0) return best;
    for (const [number, score] of scores.entries()) {
      if (score > 0 && score >= best.least && accepts(this.#owners[number]!)) best.offer(this.#owners[number]!, score);
      if (number % AT_A_TIME === 0) yield;
    }
    return best;
  }

  #postingOf(found: string): Posting {
    const known = this.#postings.get(found);
    if (known) return known;
    const word = ownText(found);
    const posting = { word, times: new Map<number, number>() };
    this.#postings.set(word, posting);
    this.#bytes += WORD_BYTES;
    return posting;
  }
}

/** Shorter pieces of a string are copied; longer ones are a place in it, and keep all of it in memory. */
const COPIED_LENGTH = 12;

/** The same, with nothing of the text that it was found in. */
function ownText(word: string): string {
  return word.length <= COPIED_LENGTH ? word : Buffer.from(word, 'utf16le').toString('utf16le');
}
