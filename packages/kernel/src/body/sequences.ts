import { Bug } from '../core/errors.ts';

/** The sequence numbers that a batch has set aside for new tasks. */
export class Sequences {
  #next = 0;
  #end = 0;

  setAside(first: number, count: number): void {
    this.#next = first;
    this.#end = first + count;
  }

  /** The `index`-th of those that are not used. */
  at(index: number): number {
    if (this.#next + index >= this.#end) throw new Bug('no sequence numbers were set aside');
    return this.#next + index;
  }

  get left(): number {
    return this.#end - this.#next;
  }

  used(sequence: number): void {
    if (sequence >= this.#next && sequence < this.#end) this.#next = sequence + 1;
  }
}
