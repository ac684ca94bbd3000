import type { EndAttempt, Promote, Recover, Replies } from '../../core/command.ts';
import type { Refusal } from '../../core/errors.ts';
import type { Task } from '../../core/task.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { enqueue, freeSlot } from './ending.ts';
import { failOrRetry, mayRetry } from './failing.ts';
import { noSuchTask } from './missing.ts';
import { needsJudging } from './quarantine.ts';
import { isLive } from './settle.ts';

/** What time brings about. The sweeper only suggests; by the time it is decided, things may have changed. */
type Sweep = EndAttempt | Promote | Recover;

export function needs(slice: Slice, command: Sweep, wanted: Wanted): void {
  const task = wanted.task(command.taskId) && slice.task(command.taskId);
  if (!task || 'removed' in task || command.kind !== 'end_attempt' || !isOver(slice, task, command)) return;
  wanted.worker(task.worker!);
  needsJudging(slice, wanted, task.worker!);
  if (!mayRetry(task)) wanted.fall(task.id);
}

function isOver(slice: Slice, task: Task, command: EndAttempt): boolean {
  return isLive(task, command) && task.deadline !== null && task.deadline <= slice.now.steady;
}

/** The attempt has run longer than it may: its lease is revoked. */
export function endAttempt(slice: Slice, command: EndAttempt): Decision<Replies['end_attempt']> | Refusal {
  const task = slice.task(command.taskId);
  if (!task || 'removed' in task) return noSuchTask(command.taskId);
  if (!isOver(slice, task, command)) return { change: null, reply: { task } };
  const change = new Change(slice, command.actor);
  const next = failOrRetry(change, task, {
    status: 'timeout',
    error: `The attempt ran longer than its timeout of ${task.timeoutMs / 1000} s.`,
    errorTrace: null,
    retryable: true,
    random: command.random,
    lastOutcome: null,
  });
  freeSlot(change, task, 'failed');
  return { change, reply: { task: next } };
}

export function promote(slice: Slice, command: Promote): Decision<Replies['promote']> | Refusal {
  const task = slice.task(command.taskId);
  if (!task || 'removed' in task) return noSuchTask(command.taskId);
  const isDue = task.status === 'pending' && task.dueAt !== null && task.dueAt <= slice.now.wall;
  if (!isDue) return { change: null, reply: { task } };
  const change = new Change(slice, command.actor);
  return { change, reply: { task: enqueue(change, task, task.pendingReason ?? 'scheduled') } };
}

/**
 * After a start the steady clock is a new one. A running attempt gets what is left of its timeout, as far as the
 * wall clock can be believed, and never less than the grace a worker needs to come back and say that it is done.
 */
export function recover(slice: Slice, command: Recover): Decision<Replies['recover']> | Refusal {
  const task = slice.task(command.taskId);
  if (!task || 'removed' in task) return noSuchTask(command.taskId);
  if (task.status !== 'executing') return { change: null, reply: { task } };
  const spent = slice.now.wall - (task.startedAt ?? slice.now.wall);
  const left = Math.min(task.timeoutMs, Math.max(slice.rules.recoveryGraceMs, task.timeoutMs - spent));
  const change = new Change(slice, command.actor);
  return { change, reply: { task: change.update(task, { deadline: slice.now.steady + left }) } };
}
