import type { Hit } from '../core/memory-search.ts';
import { isBefore } from '../core/order.ts';
import { Front } from './front.ts';

/** One of those that are looked through. */
export interface Found {
  readonly id: string;
}

interface Scored<T> {
  readonly item: T;
  readonly score: number;
}

/** The best so many of those that are offered; of equals, those whose ids come first. */
export class Ranking<T extends Found> {
  readonly #front: Front<Scored<T>>;

  constructor(limit: number) {
    this.#front = new Front<Scored<T>>(limit, isBetter);
  }

  /** What scores less than this is of no use; as much may be. */
  get least(): number {
    return this.#front.isFull ? (this.#front.last?.score ?? Number.POSITIVE_INFINITY) : Number.NEGATIVE_INFINITY;
  }

  offer(item: T, score: number): void {
    this.#front.offer({ item, score });
  }

  /** The best first. */
  list(): Hit[] {
    return this.#front.list().map(({ item: { id }, score }) => ({ id, score }));
  }
}

function isBetter(one: Scored<Found>, other: Scored<Found>): boolean {
  return one.score > other.score || (one.score === other.score && isBefore(one.item.id, other.item.id));
}
