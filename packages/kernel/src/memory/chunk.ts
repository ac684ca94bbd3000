import { encode } from './codes.ts';
import { lengthOf } from './cosine.ts';
import type { Dots } from './dots.ts';
import { FieldLists } from './field-lists.ts';

/** One vector to be searched for, and what must be so of what is found. */
export interface Row {
  /** Grows from row to row. */
  readonly number: number;
  readonly vector: Float32Array;
  readonly expiresAt: number | null;
  /** See `fieldsOf`. */
  readonly fields: Uint8Array;
}

/** A query, rounded; see `codes.ts`. */
export interface Aim {
  readonly codes: Int16Array;
  readonly scale: number;
  readonly error: number;
  readonly now: number;
  readonly wanted: Uint32Array;
}

/** Before what is kept in doubles was rounded to 32 bits, and sums of doubles, were exact. */
const SLACK = 1e-6;

/** What a row takes beside its codes, and fields. */
export const ROW_BYTES = 24;

/** Some rows of a matrix. */
export class Chunk {
  rows = 0;
  readonly #capacity: number;
  readonly #stride: number;
  readonly #codes: Int8Array;
  readonly #scales: Float32Array;
  readonly #errors: Float32Array;
  readonly #numbers: Float64Array;
  /** Infinity: it stays; -Infinity: it is gone. */
  readonly #expiries: Float64Array;
  readonly #fields = new FieldLists();

  constructor(capacity: number, stride: number) {
    this.#capacity = capacity;
    this.#stride = stride;
    this.#codes = new Int8Array(capacity * stride);
    this.#scales = new Float32Array(capacity);
    this.#errors = new Float32Array(capacity);
    this.#numbers = new Float64Array(capacity);
    this.#expiries = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.rows === this.#capacity;
  }

  get bytes(): number {
    return this.#capacity * (this.#stride + ROW_BYTES) + this.#fields.bytes;
  }

  append({ number, vector, expiresAt, fields }: Row): void {
    const row = this.rows++;
    const { scale, error } = encode(vector, lengthOf(vector), this.#codes, row * this.#stride);
    this.#scales[row] = scale;
    this.#errors[row] = error;
    this.#numbers[row] = number;
    this.#expiries[row] = expiresAt ?? Number.POSITIVE_INFINITY;
    this.#fields.append(fields);
  }

  number(row: number): number {
    return this.#numbers[row]!;
  }

  forget(row: number): void {
    this.#expiries[row] = Number.NEGATIVE_INFINITY;
  }

  /** About what the scores are; NaN: of what is not to be found. */
  approximate({ codes, scale, now, wanted }: Aim, dots: Dots): Float64Array {
    const sums = new Int32Array(this.rows);
    dots(this.#codes, this.#stride, codes, sums);
    const scores = new Float64Array(this.rows);
    for (let row = 0; row < this.rows; row++) {
      const isWanted = this.#expiries[row]! > now && this.#fields.has(row, wanted);
      scores[row] = isWanted ? sums[row]! * this.#scales[row]! * scale : Number.NaN;
    }
    return scores;
  }

  /**
   * How far from that a score may be. With q and v of length 1, q' and v' what they were rounded to, q·v is
   * q'·v' + (q - q')·v + q'·(v - v'), and no product is above that of the lengths.
   */
  error(row: number, aim: Aim): number {
    return aim.error + (1 + aim.error) * this.#errors[row]! + SLACK;
  }
}
