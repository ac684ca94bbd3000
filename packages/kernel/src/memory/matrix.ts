import { type Aim, Chunk, ROW_BYTES, type Row } from './chunk.ts';
import { encode, queryLevels, strideOf } from './codes.ts';
import { lengthOf } from './cosine.ts';
import type { Dots } from './dots.ts';
import { Threshold } from './front.ts';

const FIRST_ROWS = 16;
const MOST_ROWS = 4096;

/** A row of which it is not certain that it is not among the nearest. */
export interface Candidate {
  readonly number: number;
  /** It turned out not to be there any more. */
  forget(): void;
}

/**
 * The vectors of a space, rounded, in memory: what a search looks at instead of reading all of them. From the rounded ones follows
 * of each score about what it is and how far from that it may be; those whose score may be above what so many others have for
 * certain are candidates, a few dozen of a hundred thousand, and theirs are to be read and worked out. So what is found is exact.
 */
export class Matrix {
  readonly #dimension: number;
  readonly #stride: number;
  readonly #dots: Dots;
  readonly #chunks: Chunk[] = [];
  /** The number of the row that came last; no other comes before it. */
  last = 0;
  rows = 0;
  /** What it takes, about. */
  bytes = 0;

  constructor(dimension: number, dots: Dots) {
    this.#dimension = dimension;
    this.#stride = strideOf(dimension);
    this.#dots = dots;
  }

  /** What a matrix for so many takes, about; fields come to that. */
  static bytesFor(rows: number, dimension: number): number {
    return rows * (strideOf(dimension) + ROW_BYTES);
  }

  append(row: Row): void {
    let chunk = this.#chunks.at(-1);
    if (!chunk || chunk.isFull) {
      chunk = new Chunk(Math.min(MOST_ROWS, Math.max(FIRST_ROWS, this.rows)), this.#stride);
      this.#chunks.push(chunk);
      this.bytes += chunk.bytes;
    }
    this.bytes -= chunk.bytes;
    chunk.append(row);
    this.bytes += chunk.bytes;
    this.last = row.number;
    this.rows++;
  }

  /** What to look for; null: it has no direction, so nothing is near it. */
  aim(query: Float32Array, now: number, wanted: Uint32Array): Aim | null {
    const length = lengthOf(query);
    if (Number.isNaN(length) || query.length !== this.#dimension) return null;
    const codes = new Int16Array(this.#stride);
    return { codes, ...encode(query, length, codes, 0, queryLevels(this.#stride)), now, wanted };
  }

  /** All that may be among the nearest so many. */
  candidates(aim: Aim, limit: number): Candidate[] {
    const scored = this.#chunks.map((chunk) => ({ chunk, scores: chunk.approximate(aim, this.#dots) }));
    const certain = new Threshold(limit);
    for (const { chunk, scores } of scored) {
      for (let row = 0; row < scores.length; row++) {
        const score = scores[row]!;
        if (!Number.isNaN(score)) certain.add(score - chunk.error(row, aim));
      }
    }
    const candidates: Candidate[] = [];
    for (const { chunk, scores } of scored) {
      for (let row = 0; row < scores.length; row++) {
        if (scores[row]! + chunk.error(row, aim) < certain.value || Number.isNaN(scores[row]!)) continue;
        candidates.push({ number: chunk.number(row), forget: () => chunk.forget(row) });
      }
    }
    return candidates;
  }
}
