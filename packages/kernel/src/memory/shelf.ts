import { presence, rarity } from './bm25.ts';
import { FieldLists } from './field-lists.ts';
import { Threshold } from './front.ts';
import { grown } from './grown.ts';

/** What is to be known of a text to say how well it fits. */
export interface TextRow {
  /** Grows from row to row. */
  readonly number: number;
  /** How many it has. */
  readonly words: number;
  readonly expiresAt: number | null;
  /** See `fieldsOf`. */
  readonly fields: Uint8Array;
}

export interface ShelfSearch {
  /** Of each word in question where it is, by the numbers of the rows, in their order: a row comes as often as it has the word. */
  readonly places: Iterable<readonly number[]>;
  /** How many texts there are, and how many words in all of them. */
  readonly texts: number;
  readonly words: number;
  readonly limit: number;
  readonly now: number;
  readonly wanted: Uint32Array;
}

/** The texts of a scope, in memory, without what they say. */
export class Shelf {
  rows = 0;
  /** The number of the row that came last; no other comes before it. */
  last = 0;
  #numbers = new Float64Array(0);
  #words = new Uint32Array(0);
  /** Infinity: it stays. */
  #expiries = new Float64Array(0);
  readonly #fields = new FieldLists();

  /** What it takes, about. */
  get bytes(): number {
    return this.#numbers.byteLength * 2 + this.#words.byteLength + this.#fields.bytes;
  }

  append({ number, words, expiresAt, fields }: TextRow): void {
    const row = this.rows++;
    this.#numbers = grown(this.#numbers, this.rows);
    this.#words = grown(this.#words, this.rows);
    this.#expiries = grown(this.#expiries, this.rows);
    this.#numbers[row] = number;
    this.#words[row] = words;
    this.#expiries[row] = expiresAt ?? Number.POSITIVE_INFINITY;
    this.#fields.append(fields);
    this.last = number;
  }

  /** The best of those that have any of the words, and all that are as good as the last of them; in no order. */
  search({ places, texts, words, limit, now, wanted }: ShelfSearch): { number: number; score: number }[] {
    const scores = new Float64Array(this.rows);
    for (const word of places) this.#weigh(word, texts, words / texts, scores);
    const least = new Threshold(limit);
    for (let row = 0; row < scores.length; row++) {
      if (scores[row] === 0) continue;
      if (this.#expiries[row]! > now && this.#fields.has(row, wanted)) least.add(scores[row]!);
      else scores[row] = 0;
    }
    const found: { number: number; score: number }[] = [];
    for (let row = 0; row < scores.length; row++) {
      const score = scores[row]!;
      if (score > 0 && score >= least.value) found.push({ number: this.#numbers[row]!, score });
    }
    return found;
  }

  #weigh(places: readonly number[], texts: number, meanWords: number, scores: Float64Array): void {
    let having = 0;
    for (let at = 0; at < places.length; at++) if (places[at] !== places[at - 1]) having++;
    const worth = rarity(texts, having);
    for (let at = 0, row = 0; at < places.length; row++) {
      const number = places[at]!;
      while (this.#numbers[row]! < number) row++;
      const from = at;
      while (places[at] === number) at++;
      scores[row]! += worth * presence(at - from, this.#words[row]!, meanWords);
    }
  }
}
