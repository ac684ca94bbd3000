import { timestamp } from '../core/clock.ts';
import type { Task, TaskStatus } from '../core/task.ts';
import type { Candidate } from './candidates.ts';
import type { Wait, WaitingFor } from './waits.ts';
import { word } from './words.ts';

/** Why a task waits, or who got it and why. */
export interface Explanation {
  readonly status: TaskStatus;
  /** All of it in a sentence. */
  readonly summary: string;
  readonly waits: readonly Wait[];
  /** Counted from 1, over all that is queued; null: it is not in the queue. */
  readonly queuePosition: number | null;
  readonly decision: Decided | null;
  /** Of a task that waits, as of now; of another, as they were when it was decided. */
  readonly candidates: readonly Candidate[];
  /** How many there are in all, named or not. */
  readonly candidatesTotal: number;
}

/** Who has been given a task. */
export interface Decided {
  readonly workerId: string;
  readonly score: number | null;
  /** Wall time; null: nothing was decided, this is how it would be. */
  readonly decidedAt: number | null;
}

/** What a task waits for, each reason once. */
export function waitingFor({ waits }: Pick<Explanation, 'waits'>): WaitingFor[] {
  return [...new Set(waits.map((wait) => wait.for))];
}

/** @param state `Queued`, `Would be pending`, … */
export function summaryOfWaiting(state: string, waits: readonly Wait[]): string {
  return waits.length === 0 ? `${state}.` : `${state}; waits ${waits.map(({ text }) => text).join(', and ')}.`;
}

const LONGEST_ERROR = 300;

/**
 * Of a task that is running or has ended.
 * @param name its worker's, if that is still registered
 */
export function summaryOfDecided(task: Task, name: string | null): string {
  const { status, worker, startedAt, completedAt, error, attempt } = task;
  const who = worker === null || startedAt === null ? null : name === null ? worker : `${word(name)} (${worker})`;
  if (status === 'executing')
    return `Executed${who === null ? '' : ` by ${who}`}${since(startedAt, 'since')}, attempt ${attempt}.`;
  // What a worker completes or fails it does itself; the rest comes over it.
  const isOwn = status === 'completed' || status === 'failed';
  const by = who === null ? '' : isOwn ? ` by ${who}` : ` while executed by ${who}`;
  const told = error === null ? '' : word(error, LONGEST_ERROR).replace(/\.$/, '');
  // Somebody who calls it off gives no reason: what it says then is what became of the attempt before.
  const isEarlier = status === 'cancelled' && attempt > 0 && !CALLED_OFF.test(told);
  const why = told === '' ? '' : isEarlier ? `; the attempt before: ${told}` : `: ${told}`;
  return `${ENDINGS[status] ?? status}${by}${since(completedAt, 'at')}${why}.`;
}

/** How the errors of tasks begin that were cancelled for a reason. */
const CALLED_OFF = /^(?:dependency_failed|plan_failed|plan_cancelled|result_\w+)\b/;

const ENDINGS: Partial<Record<TaskStatus, string>> = {
  completed: 'Completed',
  failed: 'Failed',
  timeout: 'Timed out',
  cancelled: 'Cancelled',
  rejected: 'Rejected',
};

function since(at: number | null, how: 'since' | 'at'): string {
  return at === null ? '' : ` ${how} ${timestamp(at)}`;
}
