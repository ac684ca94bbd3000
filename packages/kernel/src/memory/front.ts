/** The first so many, in some order, of all that are offered: a heap with the last of them on top. */
export class Front<T> {
  readonly #limit: number;
  readonly #comesBefore: (one: T, other: T) => boolean;
  readonly #heap: T[] = [];

  constructor(limit: number, comesBefore: (one: T, other: T) => boolean) {
    this.#limit = limit;
    this.#comesBefore = comesBefore;
  }

  get isFull(): boolean {
    return this.#heap.length >= this.#limit;
  }

  /** Whoever is to be among them once it is full has to come before this one. */
  get last(): T | undefined {
    return this.#heap[0];
  }

  offer(one: T): void {
    const heap = this.#heap;
    if (heap.length < this.#limit) this.#rise(heap.push(one) - 1);
    else if (heap.length > 0 && this.#comesBefore(one, heap[0]!)) this.#sink(one);
  }

  /** The first of them first. */
  list(): T[] {
    return this.#heap.toSorted((a, b) => (this.#comesBefore(a, b) ? -1 : 1));
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const one = heap[from]!;
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#comesBefore(heap[above]!, one)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = one;
  }

  /** In the place of the one on top. */
  #sink(one: T): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && this.#comesBefore(heap[below]!, heap[below + 1]!)) below++;
      if (!this.#comesBefore(one, heap[below]!)) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = one;
  }
}

/** Which number so many are not below; -Infinity where there are fewer. */
export class Threshold {
  readonly #front: Front<number>;

  constructor(count: number) {
    this.#front = new Front(count, isAbove);
  }

  get value(): number {
    return this.#front.isFull ? this.#front.last! : Number.NEGATIVE_INFINITY;
  }

  add(number: number): void {
    this.#front.offer(number);
  }
}

function isAbove(one: number, other: number): boolean {
  return one > other;
}
