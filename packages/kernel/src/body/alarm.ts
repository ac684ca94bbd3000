import type { Clock } from '../core/clock.ts';

/** A timer cannot be set any further ahead. */
const LONGEST_MS = 3_600_000;

/** Wakes somebody at the soonest of the times that it is set to. */
export class Alarm {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #cancel: (() => void) | null = null;
  /** Steady. */
  #at = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  set(delayMs: number): void {
    const delay = Math.min(delayMs, LONGEST_MS);
    const at = this.#clock.now().steady + delay;
    if (at >= this.#at) return;
    this.#cancel?.();
    this.#at = at;
    this.#cancel = this.#clock.timer(delay, () => {
      this.#cancel = null;
      this.#at = Number.POSITIVE_INFINITY;
      this.#wake();
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#at = Number.NEGATIVE_INFINITY;
  }
}
