import type { Clock, Now } from '../core/clock.ts';

/** Longer than this without a beat of any kernel, and workers could not make themselves heard: that time counts not. */
export const LONGEST_GAP_MS = 2000;

/**
 * The colony's clock, as of the last beat: wall time is that of the Redis server, and steady time goes on from beat to
 * beat (`fellows.ts`). In between both go on with this machine's monotonic clock, so that kernels whose clocks
 * differ agree, and a kernel that has lost its Redis does not run ahead of the others.
 */
export class RedisClock implements Clock {
  #beat = { wall: 0, steady: 0, at: 0 };
  #steady = 0;

  /** @param at when the server said so, by `performance.now()` */
  set(wall: number, steady: number, at: number): void {
    this.#beat = { wall, steady, at };
  }

  now(): Now {
    const { wall, steady, at } = this.#beat;
    const since = Math.max(0, performance.now() - at);
    this.#steady = Math.max(this.#steady, Math.floor(steady + Math.min(since, LONGEST_GAP_MS)));
    return { wall: Math.floor(wall + since), steady: this.#steady };
  }

  timer(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  }
}
