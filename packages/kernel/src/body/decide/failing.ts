import type { Outcome, Task } from '../../core/task.ts';
import type { Change } from '../change.ts';
import { backoffMs } from '../retry.ts';
import { cancelDependents } from './ending.ts';

interface Failure {
  /** What the task becomes when no retry is left. */
  readonly status: 'failed' | 'timeout';
  readonly error: string;
  readonly errorTrace: string | null;
  readonly retryable: boolean;
  readonly random: number;
  readonly lastOutcome: Outcome | null;
}

export function mayRetry(task: Task): boolean {
  return task.retryCount < task.spec.value.max_retries;
}

/** An attempt has failed: another one after a while, if any is left; else the task ends, and its dependents with it. */
export function failOrRetry(change: Change, task: Task, failure: Failure): Task {
  if (failure.retryable && mayRetry(task)) return scheduleRetry(change, task, failure);
  const ended = change.update(task, {
    status: failure.status,
    lastOutcome: failure.lastOutcome,
    losses: 0,
    deadline: null,
    error: failure.error,
    errorTrace: failure.errorTrace,
    completedAt: change.slice.now.wall,
  });
  const data = { attempt: task.attempt, error: brief(failure.error), task_id: task.id, worker_id: task.worker };
  if (failure.status === 'timeout') change.event('task_timeout', 'kernel', data);
  else change.event('task_failed', `worker:${task.worker}`, data);
  cancelDependents(change, ended);
  return ended;
}

function scheduleRetry(change: Change, task: Task, failure: Failure): Task {
  const retryCount = task.retryCount + 1;
  const dueAt = change.slice.now.wall + backoffMs(task.spec.value.retry_backoff, retryCount, failure.random);
  const next = change.update(task, {
    status: 'pending',
    pendingReason: 'retry',
    retryCount,
    dueAt,
    lastOutcome: failure.lastOutcome,
    losses: 0,
    worker: null,
    deadline: null,
    startedAt: null,
    error: failure.error,
    errorTrace: failure.errorTrace,
  });
  change.event('task_retry_scheduled', 'kernel', {
    attempt: task.attempt,
    error: brief(failure.error),
    reason: failure.status,
    retry: retryCount,
    run_at: new Date(dueAt).toISOString(),
    task_id: task.id,
    worker_id: task.worker,
  });
  return next;
}

/** The ledger keeps enough of an error to recognise it, cut between characters; the task keeps all of it. */
function brief(error: string): string {
  return (error.length <= MOST_ERROR ? error : `${error.slice(0, MOST_ERROR)}…`).toWellFormed();
}

const MOST_ERROR = 500;
