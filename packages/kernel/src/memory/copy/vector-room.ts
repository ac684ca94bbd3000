import { StorageUnavailable } from '../../core/errors.ts';
import { memoryOf, type Products, productsIn, ROUND } from './products.ts';

/** What WebAssembly's memory grows by, and what vectors are given room in. */
export const PAGE_BYTES = 65_536;
const PAGE_NUMBERS = PAGE_BYTES / 4;
/** 4 GB: no address is higher. */
const MOST_PAGES = 65_536;
/** The first page is for what is looked for; what comes out stands behind it. */
const RESULTS = PAGE_NUMBERS / 2;
/**
 * The room that vectors take, of all scopes together, in pages: those that are let go are used again. It does not shrink: it
 * is as large as it had to be once.
 */
export class VectorRoom {
  readonly #memory = memoryOf(1, MOST_PAGES);
  readonly #products: Products = productsIn(this.#memory);
  readonly #free: number[] = [];
  #numbers = new Float32Array(this.#memory.buffer);
  #pages = 1;
  #asked: Float32Array | null = null;

  /** How many bytes are in use. */
  get bytes(): number {
    return (this.#pages - this.#free.length) * PAGE_BYTES;
  }

  /** A page's number; what is in it is anything. Throws `StorageUnavailable` when there is no room left. */
  take(): number {
    const page = this.#free.pop();
    if (page !== undefined) return page;
    // A sixteenth more each time: growing costs the same, however much it is.
    const more = Math.min(Math.max(1, this.#pages >> 4), MOST_PAGES - this.#pages);
    if (more === 0)
      throw new StorageUnavailable('this kernel has no room for more vectors to search in: 4 GB of them are the most');
    this.#memory.grow(more);
    this.#numbers = new Float32Array(this.#memory.buffer);
    for (let added = more - 1; added > 0; added--) this.#free.push(this.#pages + added);
    this.#pages += more;
    return this.#pages - more;
  }

  give(page: number): void {
    this.#free.push(page);
  }

  write(page: number, at: number, numbers: Float32Array): void {
    this.#numbers.set(numbers, page * PAGE_NUMBERS + at);
  }

  /** Good until the next page is taken. */
  read(page: number, at: number, length: number): Float32Array {
    return this.#numbers.subarray(page * PAGE_NUMBERS + at, page * PAGE_NUMBERS + at + length);
  }

  /** The query's dot products with the first `rows` in a page, good until the next call. @param query filled up: see `ROUND` */
  products(query: Float32Array, page: number, rows: number): Float32Array {
    if (this.#asked !== query) this.#numbers.set(query, 0);
    this.#asked = query;
    const [size, start] = [query.length * 4, page * PAGE_BYTES];
    this.#products(0, start, start + rows * size, size, RESULTS * 4);
    return this.#numbers.subarray(RESULTS, RESULTS + rows);
  }
}

/** As it is kept here: with zeros behind its end. */
export function filled(numbers: Float32Array): Float32Array {
  const kept = new Float32Array(Math.ceil(numbers.length / ROUND) * ROUND);
  kept.set(numbers);
  return kept;
}
