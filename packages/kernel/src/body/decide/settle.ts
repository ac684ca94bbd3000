import type { Complete, Fail, Release, Replies, ReportProgress } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import { canonicalJson } from '../../core/json.ts';
import type { Task } from '../../core/task.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { elapsedMs, freeSlot } from './ending.ts';
import { failOrRetry, mayRetry } from './failing.ts';
import { noSuchTask } from './missing.ts';
import { needsJudging } from './quarantine.ts';
import { needsRelease, releaseDependents } from './releasing.ts';

/**
 * How the holder of a lease settles it: complete, fail, release; and progress, which does not. Only the live token
 * counts. The outcome that a token already settled may be sent again (an answer got lost) and changes nothing.
 */
type Settle = Complete | Fail | Release | ReportProgress;

export function needs(slice: Slice, command: Settle, wanted: Wanted): void {
  // Asked for together with the task: nearly always they will be needed, and each question may be a way to go.
  if (command.kind === 'complete') wanted.portion(command.taskId, 0);
  if (command.actor.startsWith('worker:')) wanted.worker(command.actor.slice('worker:'.length));
  const task = wanted.task(command.taskId) && slice.task(command.taskId);
  if (!task || 'removed' in task || !isLive(task, command)) return;
  wanted.worker(task.worker!);
  if (command.kind === 'complete' || command.kind === 'fail') needsJudging(slice, wanted, task.worker!);
  if (command.kind === 'complete' && task.plan !== null) needsRelease(slice, wanted, task, command.result);
  if (command.kind === 'fail' && !(command.retryable && mayRetry(task))) wanted.fall(task.id);
}

export function isLive(task: Task, { leaseToken }: { leaseToken: number }): boolean {
  return task.status === 'executing' && task.leaseToken === leaseToken;
}

export function complete(slice: Slice, command: Complete): Decision<Replies['complete']> | Refusal {
  const task = holding(slice, command);
  if (task instanceof Refusal) return task;
  if (!isLive(task, command)) {
    const again = settledBy(task, command, 'completed') && sameJson(task.result, command.result);
    return again ? { change: null, reply: { task } } : stale(task, command);
  }
  const change = new Change(slice, `worker:${task.worker}`);
  const elapsed = elapsedMs(slice, task);
  const done = change.update(task, {
    status: 'completed',
    lastOutcome: 'completed',
    losses: 0,
    deadline: null,
    result: command.result,
    completedAt: slice.now.wall,
  });
  change.event('task_completed', `worker:${task.worker}`, {
    attempt: task.attempt,
    elapsed_seconds: elapsed / 1000,
    task_id: task.id,
    worker_id: task.worker,
  });
  freeSlot(change, task, 'completed');
  releaseDependents(change, done);
  return { change, reply: { task: done } };
}

export function fail(slice: Slice, command: Fail): Decision<Replies['fail']> | Refusal {
  const task = holding(slice, command);
  if (task instanceof Refusal) return task;
  if (!isLive(task, command)) {
    const again =
      settledBy(task, command, 'failed') && task.error === command.error && task.errorTrace === command.errorTrace;
    return again ? { change: null, reply: { task } } : stale(task, command);
  }
  const change = new Change(slice, `worker:${task.worker}`);
  const next = failOrRetry(change, task, {
    status: 'failed',
    error: command.error,
    errorTrace: command.errorTrace,
    retryable: command.retryable,
    random: command.random,
    lastOutcome: 'failed',
  });
  freeSlot(change, task, 'failed');
  return { change, reply: { task: next } };
}

export function release(slice: Slice, command: Release): Decision<Replies['release']> | Refusal {
  const task = holding(slice, command);
  if (task instanceof Refusal) return task;
  if (!isLive(task, command)) {
    return settledBy(task, command, 'released') ? { change: null, reply: { task } } : stale(task, command);
  }
  const change = new Change(slice, `worker:${task.worker}`);
  const next = change.update(task, {
    status: 'queued',
    lastOutcome: 'released',
    losses: 0,
    worker: null,
    deadline: null,
    startedAt: null,
    queuedAt: slice.now.wall,
  });
  change.event('task_released', `worker:${task.worker}`, {
    attempt: task.attempt,
    task_id: task.id,
    worker_id: task.worker,
  });
  freeSlot(change, task, 'none');
  return { change, reply: { task: next } };
}

export function progress(slice: Slice, command: ReportProgress): Decision<Replies['progress']> | Refusal {
  const task = holding(slice, command);
  if (task instanceof Refusal) return task;
  if (!isLive(task, command)) return stale(task, command);
  const change = new Change(slice, `worker:${task.worker}`);
  // What a report does not mention stays as it was: one that says nothing only asks whether the lease is live.
  const fraction = command.fraction ?? task.progress?.fraction ?? null;
  const message = command.message ?? task.progress?.message ?? null;
  const next = change.update(task, { progress: { fraction, message, at: slice.now.wall } });
  return { change, reply: { task: next } };
}

function holding(slice: Slice, command: Settle): Task | Refusal {
  const task = slice.task(command.taskId);
  if (!task || 'removed' in task) return noSuchTask(command.taskId);
  return task;
}

/** The token is the newest one, and its holder ended it this very way. */
function settledBy(task: Task, command: Settle, outcome: Task['lastOutcome']): boolean {
  return task.leaseToken === command.leaseToken && task.lastOutcome === outcome;
}

/** A client that builds its answer anew may order the members differently: the value counts, not the text. */
function sameJson(kept: string | null, sent: string): boolean {
  if (kept === sent) return true;
  // Reordering does not change the length; anything else that could be equal has the same text already.
  if (kept?.length !== sent.length) return false;
  return canonicalJson(JSON.parse(kept)) === canonicalJson(JSON.parse(sent));
}

function stale(task: Task, command: Settle): Refusal {
  return new Refusal(
    'stale_lease',
    `Lease token ${command.leaseToken} is not the live one of task ${task.id}, which is ${task.status}: ` +
      'it was cancelled, timed out, requeued or already settled. Stop working on it and discard the outcome.',
  );
}
