import type { Task } from '../core/task.ts';

export const HIGHEST_PRIORITY = 10;

/** All priorities, the highest first. */
export const PRIORITIES: readonly number[] = Array.from(
  { length: HIGHEST_PRIORITY + 1 },
  (_, n) => HIGHEST_PRIORITY - n,
);

type Waiting = Pick<Task, 'priority' | 'attempt' | 'createdAt' | 'queuedAt'>;

/**
 * The priority that a queued task counts as: one more for each whole span that it has waited. It waits since it was queued; one
 * that somebody has had already, and that came back, since it was handed in, so that whoever had to wait twice is not last.
 * @param now wall; a clock that went back lets nobody wait for less than no time
 */
export function agedPriority({ priority, attempt, createdAt, queuedAt }: Waiting, now: number, spanMs: number): number {
  const since = attempt > 0 ? createdAt : (queuedAt ?? createdAt);
  return Math.min(HIGHEST_PRIORITY, priority + Math.floor(Math.max(0, now - since) / spanMs));
}
