import { isTerminal, type Task } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { laneFacts } from '../../mind/eligibility.ts';
import { withAttempt } from '../../mind/experience.ts';
import type { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import { judge } from './quarantine.ts';
import { callOffVote } from './vote-records.ts';
import { waitFor } from './waiting.ts';

/**
 * What follows from a task's end, in the same transaction: the worker that held it gets its slot back, tasks that
 * waited for it go on, or fall with it.
 */

/** How an attempt ended, for the worker's record. */
export type AttemptEnd = 'completed' | 'failed' | 'none';

/** Takes a task off the worker that holds it. The worker leaves for good if it was draining and this was its last. */
export function freeSlot(change: Change, task: Task, end: AttemptEnd): void {
  const worker = task.worker === null ? null : change.worker(task.worker);
  if (!worker) return;
  const counts = end !== 'none';
  const freed = change.updateWorker(worker, {
    ...(counts ? { ...judge(change, worker, end === 'failed'), experience: learned(change, worker, task, end) } : {}),
    holds: worker.holds.filter((id) => id !== task.id),
    completed: worker.completed + (end === 'completed' ? 1 : 0),
    failed: worker.failed + (end === 'failed' ? 1 : 0),
    busyMs: worker.busyMs + (counts ? elapsedMs(change.slice, task) : 0),
  });
  if (freed.draining && freed.holds.length === 0) {
    change.removeWorker(freed);
    change.event('worker_unregistered', 'kernel', { reason: 'drained', worker_id: freed.id });
  }
}

function learned({ slice }: Change, { experience }: Worker, task: Task, end: AttemptEnd): Worker['experience'] {
  const { capabilities } = laneFacts(task.lane, () => task.spec.value.requirements);
  const attempt = { failed: end === 'failed', elapsedMs: elapsedMs(slice, task) };
  return withAttempt(experience, capabilities, attempt, slice.now.wall);
}

export function elapsedMs({ now }: Slice, { startedAt }: Task): number {
  return Math.max(0, now.wall - (startedAt ?? now.wall));
}

/** One wait is over: a pending task waits for the next thing it has to wait for, or is queued. */
export function goOn(change: Change, task: Task, after: 'approval' | 'dependencies'): void {
  const runAt = task.spec.value.run_at;
  const dueAt = runAt === null ? null : Date.parse(runAt);
  const pendingReason = waitFor({ asks: false, unmet: task.unmet, dueAt }, change.slice.now.wall);
  if (pendingReason === null) enqueue(change, task, after);
  else change.update(task, { pendingReason, dueAt: pendingReason === 'scheduled' ? dueAt : null });
}

/** pending → queued. */
export function enqueue(change: Change, task: Task, after: string): Task {
  const queued = change.update(task, {
    status: 'queued',
    pendingReason: null,
    dueAt: null,
    queuedAt: change.slice.now.wall,
  });
  change.event('task_queued', 'kernel', { after, task_id: task.id });
  return queued;
}

/** A dependency ended otherwise: everything that waits for it, directly or not, is cancelled. */
export function cancelDependents(change: Change, ended: Task): void {
  goDown(change, [ended.id]);
}

function goDown(change: Change, fallen: string[]): void {
  for (let next = fallen.pop(); next !== undefined; next = fallen.pop()) {
    for (const { id } of change.dependentsOf(next)) if (fall(change, id, next)) fallen.push(id);
  }
}

/** The same where a task of a plan was called off with the plan, which sees to its own tasks. */
export function cancelOutsiders(change: Change, ended: Task): void {
  const outsiders = change.outsidersOf(ended);
  goDown(
    change,
    outsiders.flatMap(({ id }) => (fall(change, id, ended.id) ? id : [])),
  );
}

/** Answers whether it does: what does not wait does not. */
function fall(change: Change, id: string, dependency: string): boolean {
  const task = change.liveTask(id);
  if (isTerminal(task) || task.status !== 'pending') {
    change.passOver(task);
    return false;
  }
  callOffVote(change, task);
  change.update(task, {
    status: 'cancelled',
    pendingReason: null,
    dueAt: null,
    error: 'dependency_failed',
    completedAt: change.slice.now.wall,
  });
  change.event('task_cancelled', 'kernel', { dependency, reason: 'dependency_failed', task_id: id });
  return true;
}
