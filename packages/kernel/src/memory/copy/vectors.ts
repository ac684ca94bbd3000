import { cosine, lengthOf } from '../cosine.ts';
import { type Found, Ranking } from '../ranking.ts';
import { ROUND } from './products.ts';
import { filled, PAGE_BYTES, type VectorRoom } from './vector-room.ts';

/** Vectors of one length, each somebody's, looked through from the first to the last. */
export class Vectors<T extends Found> {
  readonly dimension: number;
  readonly #room: VectorRoom;
  /** How many numbers a vector takes when it is filled up, and how many of these fit on a page. */
  readonly #size: number;
  readonly #perPage: number;
  readonly #pages: number[] = [];
  /** By row: they stand without gaps. */
  readonly #owners: T[] = [];
  readonly #rows = new Map<T, number>();
  /** By row, what a product is multiplied by to be that of a vector of length 1: see `inverseOf`. */
  readonly #inverses: number[] = [];

  constructor(room: VectorRoom, dimension: number) {
    this.#room = room;
    this.dimension = dimension;
    this.#size = Math.ceil(dimension / ROUND) * ROUND;
    this.#perPage = Math.floor(PAGE_BYTES / 4 / this.#size);
  }

  get size(): number {
    return this.#owners.length;
  }

  /** How much room they take. */
  get bytes(): number {
    return this.#pages.length * PAGE_BYTES;
  }

  add(owner: T, numbers: Float32Array): void {
    const row = this.#owners.length;
    if (row === this.#pages.length * this.#perPage) this.#pages.push(this.#room.take());
    this.#owners.push(owner);
    this.#inverses.push(inverseOf(numbers));
    this.#rows.set(owner, row);
    this.#room.write(this.#pageOf(row), this.#placeOf(row), filled(numbers));
  }

  /** The last one takes its row. */
  remove(owner: T): void {
    const row = this.#rows.get(owner);
    if (row === undefined) return;
    this.#rows.delete(owner);
    const [last, moved] = [this.#owners.length - 1, this.#owners.pop()!];
    const inverse = this.#inverses.pop()!;
    if (last !== row) {
      this.#owners[row] = moved;
      this.#inverses[row] = inverse;
      this.#rows.set(moved, row);
      this.#room.write(this.#pageOf(row), this.#placeOf(row), this.#vector(last));
    }
    if (last % this.#perPage === 0) this.#room.give(this.#pages.pop()!);
  }

  clear(): void {
    for (const page of this.#pages.splice(0)) this.#room.give(page);
    this.#owners.length = 0;
    this.#inverses.length = 0;
    this.#rows.clear();
  }

  /**
   * The nearest of those that are accepted. It stops now and then, so that whoever asks can give way; meanwhile nothing may
   * be added or removed.
   */
  *nearest(numbers: Float32Array, limit: number, accepts: (owner: T) => boolean): Generator<void, Ranking<T>> {
    const best = new Ranking<T>(limit);
    if (numbers.length !== this.dimension || Number.isNaN(lengthOf(numbers))) return best;
    const [query, inverse] = [filled(numbers), inverseOf(numbers)];
    // A cosine that is summed up in 32 bits is not further off than this, which is twice what rounding can add up to.
    const error = (this.#size + 8) * 2 ** -23;
    for (const [at, page] of this.#pages.entries()) {
      const first = at * this.#perPage;
      const count = Math.min(this.#perPage, this.#owners.length - first);
      const near = this.#room.products(query, page, count);
      for (let row = 0; row < count; row++) {
        // What is no number passes: there the sum says nothing.
        if (near[row]! * inverse * this.#inverses[first + row]! + error < best.least) continue;
        const owner = this.#owners[first + row]!;
        // Only what may be among them is reckoned up exactly.
        if (accepts(owner)) best.offer(owner, cosine(query, this.#vector(first + row)));
      }
      yield;
    }
    return best;
  }

  #vector(row: number): Float32Array {
    return this.#room.read(this.#pageOf(row), this.#placeOf(row), this.#size);
  }

  #pageOf(row: number): number {
    return this.#pages[Math.floor(row / this.#perPage)]!;
  }

  #placeOf(row: number): number {
    return (row % this.#perPage) * this.#size;
  }
}

/** Beyond these lengths products of two numbers can be too small or too large for 32 bits. */
const [SHORTEST, LONGEST] = [2 ** -40, 2 ** 55];

/** NaN where the length is none to reckon with in 32 bits. */
function inverseOf(numbers: Float32Array): number {
  const length = lengthOf(numbers);
  return length >= SHORTEST && length <= LONGEST ? 1 / length : Number.NaN;
}
