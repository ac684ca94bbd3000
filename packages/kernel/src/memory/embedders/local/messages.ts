import type { Verdict } from '../verdict.ts';

/** To the thread: embed these. */
export interface Job {
  readonly id: number;
  readonly texts: readonly string[];
}

/** From it. A job that is not answered ends with the thread. */
export interface Done {
  readonly id: number;
  readonly verdicts: readonly Verdict[];
}
