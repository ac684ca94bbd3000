import type { Worker } from '../core/worker.ts';

/** A worker is judged by so many of its attempts, the newest; with fewer behind it, it is not. */
const WINDOW = 20;
/** How long it is kept out: at first, and each time it fails again on trial twice as long, up to the longest. */
const FIRST_COOL_DOWN_MS = 5 * 60_000;
const LONGEST_COOL_DOWN_MS = 24 * 60 * 60_000;

/** How attempts ended, in numbers. */
export interface Attempts {
  readonly completed: number;
  readonly failed: number;
}

/** The share of attempts that failed. */
export function failureRate({ completed, failed }: Attempts): number {
  const all = completed + failed;
  return all === 0 ? 0 : failed / all;
}

/** The outcomes of the newest attempts, the newest last: `0` completed, `1` failed. */
export function withOutcome(recent: string, failed: boolean): string {
  return (recent + (failed ? '1' : '0')).slice(-WINDOW);
}

export function recentRate(recent: string): number {
  const failed = [...recent].filter((outcome) => outcome === '1').length;
  return failureRate({ completed: recent.length - failed, failed });
}

/** Whether one more outcome could tell against a worker that is not kept out: then it may be found to fail too much. */
export function mayDrift({ recent }: Pick<Worker, 'recent'>): boolean {
  return recent.length >= WINDOW - 1 && recent.includes('1');
}

/** Whether a worker fails so much more than the colony as a whole that it is to be given nothing for a while. */
export function drifts(recent: string, colony: Attempts, threshold: number): boolean {
  return recent.length === WINDOW && recentRate(recent) - failureRate(colony) > threshold;
}

/** @param times how often it was kept out before */
export function coolDownMs(times: number): number {
  return Math.min(LONGEST_COOL_DOWN_MS, FIRST_COOL_DOWN_MS * 2 ** Math.min(times, 30));
}
