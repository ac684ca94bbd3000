/**
 * Which attempt is over next: a binary heap by deadline. A changed or removed deadline leaves its old place behind,
 * to be skipped when it comes up.
 */
export class Deadlines {
  readonly #current = new Map<string, number>();
  #heap: { at: number; id: string }[] = [];

  set(id: string, at: number): void {
    if (this.#current.get(id) === at) return;
    this.#current.set(id, at);
    this.#push({ at, id });
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.#current.size) this.#rebuild();
  }

  delete(id: string): void {
    this.#current.delete(id);
    if (this.#current.size === 0) this.#heap = [];
  }

  /** The earliest deadline, if any. */
  next(): number | null {
    for (let top = this.#heap[0]; top; top = this.#heap[0]) {
      if (this.#current.get(top.id) === top.at) return top.at;
      this.#pop();
    }
    return null;
  }

  /** Up to `limit` ids whose deadline is `now` or earlier, earliest first. They stay until they are deleted. */
  over(now: number, limit: number): string[] {
    // By id: one that came back to a deadline it had before stands in the heap twice.
    const due = new Map<string, number>();
    while (due.size < limit) {
      const at = this.next();
      if (at === null || at > now) break;
      due.set(this.#pop().id, at);
    }
    for (const [id, at] of due) this.#push({ at, id });
    return [...due.keys()];
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [id, at] of this.#current) this.#push({ at, id });
  }

  #push(one: { at: number; id: string }): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(one);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.at <= one.at) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = one;
  }

  #pop(): { at: number; id: string } {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
