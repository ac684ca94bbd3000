import type { Task } from '../../core/task.ts';
import type { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import { cancelDependents, goOn } from './ending.ts';
import { askForApproval, nextVote, readPolicy, rejectionOf, tellRejection, tellVerdict } from './judging.ts';
import { needs as needsPolicy, POLICY, policyOf } from './policy.ts';
import { awaiting, type Resolution, resolutionsOf, sourcesOf } from './resolving.ts';
import { callOffVote } from './vote-records.ts';

/** What follows for those who waited for a task once that has completed. */

/** What that needs beside the task's dependents, where the task belongs to a plan. @param result its own */
export function needsRelease(slice: Slice, wanted: Wanted, done: Task, result: string): void {
  wanted.planEnd(done.plan!, 1);
  if (!wanted.dependents(done.id)) return;
  const tasks = awaiting(slice.dependentsOf(done.id));
  if (tasks.length === 0) return;
  needsPolicy(wanted);
  let isKnown = slice.hasDocument(POLICY);
  for (const task of tasks) {
    if (task.pendingReason === 'approval') isKnown = wanted.document(`vote ${task.vote}`) && isKnown;
    for (const id of sourcesOf(task)) isKnown = wanted.task(id) && isKnown;
  }
  if (!isKnown) return;
  const completed: Task = { ...done, status: 'completed', result };
  const taskOf = (id: string) => (id === done.id ? completed : slice.task(id));
  const policy = policyOf(slice.document(POLICY), slice.rules.guardian.types);
  const ending = [...resolutionsOf(tasks, taskOf, policy)].filter(([, resolution]) => isEnd(resolution));
  if (ending.length > 0) wanted.fallOfAll(ending.map(([id]) => id));
}

function isEnd(resolution: Resolution): boolean {
  return 'error' in resolution || resolution.verdict.verdict === 'reject';
}

/** A dependency has completed: whoever waited only for it is queued, or waits for its time. */
export function releaseDependents(change: Change, done: Task): void {
  const found = change.dependentsOf(done.id);
  if (found.length === 0) return;
  const dependents = found.map(({ id }) => change.liveTask(id));
  const tasks = done.plan === null ? [] : awaiting(dependents);
  const resolutions = tasks.length === 0 ? null : resolutionsOf(tasks, (id) => change.task(id), readPolicy(change));
  for (const { id } of dependents) {
    // It may have fallen with one before it.
    const task = change.liveTask(id);
    if (task.status !== 'pending' || task.unmet === 0) {
      change.passOver(task);
      continue;
    }
    const next = change.update(task, { unmet: task.unmet - 1 });
    const resolution = resolutions?.get(id);
    if (resolution) goOnWith(change, next, resolution);
    else if (next.unmet === 0 && next.pendingReason === 'dependencies') goOn(change, next, 'dependencies');
  }
}

/** A task whose payload has got what it refers to, or does not get it. What was asked about it before is not what it says now. */
function goOnWith(change: Change, task: Task, resolution: Resolution): void {
  callOffVote(change, task);
  const ended = { pendingReason: null, dueAt: null, completedAt: change.slice.now.wall };
  if ('error' in resolution) {
    const { error } = resolution;
    const cancelled = change.update(task, { ...ended, status: 'cancelled', error });
    const reason = error.slice(0, error.indexOf(':'));
    change.event('task_cancelled', 'kernel', { reason, task_id: task.id });
    cancelDependents(change, cancelled);
    return;
  }
  const { spec, verdict } = resolution;
  if (verdict.verdict === 'reject') {
    const rejected = change.update(task, { ...ended, spec, status: 'rejected', error: rejectionOf(verdict) });
    tellRejection(change, task.id, verdict);
    cancelDependents(change, rejected);
    return;
  }
  tellVerdict(change, task.id, verdict);
  if (verdict.verdict === 'require_approval') {
    const asking = change.update(task, { spec, pendingReason: 'approval', vote: nextVote(task) });
    askForApproval(change, asking, verdict);
  } else goOn(change, change.update(task, { spec, pendingReason: 'dependencies' }), 'dependencies');
}
