/** One of those that are looked through. */
export interface Found {
  readonly id: string;
}

interface Scored<T> {
  readonly item: T;
  readonly score: number;
}

/** The best so many of those that are offered: a heap with the worst of them on top. */
export class Ranking<T extends Found> {
  readonly #limit: number;
  readonly #heap: Scored<T>[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What scores less than this is of no use; as much may be. */
  get least(): number {
    return this.#heap.length < this.#limit
      ? Number.NEGATIVE_INFINITY
      : (this.#heap[0]?.score ?? Number.POSITIVE_INFINITY);
  }

  offer(item: T, score: number): void {
    const heap = this.#heap;
    const one = { item, score };
    if (heap.length < this.#limit) this.#rise(heap.push(one) - 1);
    else if (heap.length > 0 && isBetter(one, heap[0]!)) this.#sink(one);
  }

  /** The best first. */
  list(): { id: string; score: number }[] {
    const sorted = this.#heap.toSorted((a, b) => (isBetter(a, b) ? -1 : 1));
    return sorted.map(({ item: { id }, score }) => ({ id, score }));
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const one = heap[from]!;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBetter(heap[above]!, one)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = one;
  }

  /** In the place of the one on top. */
  #sink(one: Scored<T>): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBetter(heap[below]!, heap[below + 1]!)) below++;
      if (!isBetter(one, heap[below]!)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = one;
  }
}

function isBetter(one: Scored<Found>, other: Scored<Found>): boolean {
  return one.score > other.score || (one.score === other.score && isBefore(one.item.id, other.item.id));
}

/** By the bytes of UTF-8, which is the order of the characters' numbers. */
export function isBefore(one: string, other: string): boolean {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) return rank(a) < rank(b);
  }
  return one.length < other.length;
}

/** Halves of characters beyond U+FFFF stand below U+E000, but those characters are behind all others. */
function rank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
