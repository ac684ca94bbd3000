import type { Clock, Now } from '../core/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that stands still until it is told to go on, with timers that fire in order as it passes them. */
export class SimClock implements Clock {
  #steady = 1_000_000;
  #wallOffset = Date.parse('2026-01-01T00:00:00Z');
  #timers: Timer[] = [];
  #order = 0;

  now(): Now {
    return { wall: this.#steady + this.#wallOffset, steady: this.#steady };
  }

  timer(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#steady + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets `ms` pass, firing what becomes due on the way; after each timer, whatever it set in motion comes to rest. */
  async advance(ms: number): Promise<void> {
    const until = this.#steady + ms;
    await atRest();
    for (let timer = this.#next(until); timer; timer = this.#next(until)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#steady = Math.max(this.#steady, timer.at);
      timer.run();
      await atRest();
    }
    this.#steady = until;
  }

  /** Somebody sets the machine's clock: wall time jumps, steady time does not. */
  jump(ms: number): void {
    this.#wallOffset += ms;
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (
        timer.at <= until &&
        (!first || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
      ) {
        first = timer;
      }
    }
    return first;
  }
}

/** Turns of the event loop that suffice for anything without a timer to come to rest. */
const TURNS = 12;

export async function atRest(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
