import type { Hit } from '../core/memory-search.ts';

/** The best of many, by their scores, and where these are equal by their ids. */
export class Best {
  readonly #limit: number;
  readonly #least: Threshold;
  #kept: Hit[] = [];

  constructor(limit: number) {
    this.#limit = limit;
    this.#least = new Threshold(limit);
  }

  /** False: so many have a higher score. */
  takes(score: number): boolean {
    return score >= this.#least.value;
  }

  add(one: Hit): void {
    this.#least.add(one.score);
    this.#kept.push(one);
    if (this.#kept.length > this.#limit * 2 + 100) this.#kept = this.found();
  }

  found(): Hit[] {
    return this.#kept.sort(inOrder).slice(0, this.#limit);
  }
}

function inOrder(a: Hit, b: Hit): number {
  return b.score - a.score || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id));
}

/** Which number so many are not below; -Infinity where there are fewer. */
export class Threshold {
  /** A heap: none is above its children. */
  readonly #heap: number[] = [];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  get value(): number {
    return this.#heap.length < this.#count ? Number.NEGATIVE_INFINITY : this.#heap[0]!;
  }

  add(number: number): void {
    const heap = this.#heap;
    if (heap.length < this.#count) this.#rise(heap.push(number) - 1);
    else if (number > heap[0]!) {
      heap[0] = number;
      this.#sink();
    }
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (heap[above]! <= heap[at]!) return;
      [heap[above], heap[at]] = [heap[at]!, heap[above]!];
      at = above;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ; ) {
      let least = at;
      for (const below of [at * 2 + 1, at * 2 + 2])
        if (below < heap.length && heap[below]! < heap[least]!) least = below;
      if (least === at) return;
      [heap[least], heap[at]] = [heap[at]!, heap[least]!];
      at = least;
    }
  }
}
