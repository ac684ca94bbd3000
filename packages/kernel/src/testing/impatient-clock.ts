import type { Clock, Now } from '../core/clock.ts';

/**
 * A clock for what talks to the outside: short waits are over at once (and time has passed), while deadlines, which are
 * there for what does not happen, come only when the test says so.
 */
export class ImpatientClock implements Clock {
  readonly #deadlineMs: number;
  readonly #deadlines = new Set<() => void>();
  #steady = 1_000_000;
  /** The short waits, in the order in which they began. */
  readonly waits: number[] = [];
  /** How many deadlines there have been. */
  set = 0;

  /** @param deadlineMs from here on a timer is a deadline */
  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  now(): Now {
    return { wall: this.#steady + Date.parse('2026-01-01T00:00:00Z'), steady: this.#steady };
  }

  timer(delayMs: number, run: () => void): () => void {
    if (delayMs >= this.#deadlineMs) {
      this.#deadlines.add(run);
      this.set += 1;
      return () => this.#deadlines.delete(run);
    }
    this.waits.push(delayMs);
    const soon = setImmediate(() => {
      this.#steady += delayMs;
      run();
    });
    return () => clearImmediate(soon);
  }

  pass(ms: number): void {
    this.#steady += ms;
  }

  /** All deadlines that are set at the moment have come. */
  expire(): void {
    const due = [...this.#deadlines];
    this.#deadlines.clear();
    for (const run of due) run();
  }

  get deadlines(): number {
    return this.#deadlines.size;
  }
}
