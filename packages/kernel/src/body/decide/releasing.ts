import type { Task } from '../../core/task.ts';
import type { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import { cancelDependents, goOn } from './ending.ts';
import { askForApproval, nextVote, readPolicy, rejectionOf, tellRejection, tellVerdict } from './judging.ts';
import { needs as needsPolicy, POLICY, policyOf } from './policy.ts';
import { beginReleasing } from './release-progress.ts';
import { awaiting, bytesOf, isWaiting, type Resolution, resolutionsOf, sourcesOf } from './resolving.ts';
import { callOffVote } from './vote-records.ts';

/** What follows for those who waited for a task once that has completed. */

/** Those that go on in one transaction. */
export interface Released {
  readonly tasks: readonly Task[];
  /** How many of its dependencies each is left with. */
  readonly unmetOf: (task: Task) => number;
  /** How many bytes of results the same completion has brought into tasks before. */
  readonly bytes: number;
}

/** What it needs that the first of a task's dependents go on, where the task belongs to a plan. @param result its own */
export function needsRelease(slice: Slice, wanted: Wanted, done: Task, result: string): void {
  wanted.planEnd(done.plan!, 1);
  if (!wanted.portion(done.id, 0)) return;
  const completed: Task = { ...done, status: 'completed', result };
  const { tasks } = slice.portionOf(done.id, 0);
  needsResults(slice, wanted, { tasks, unmetOf: one, bytes: 0 }, completed);
}

/** The one that has just completed is no more waited for. */
function one({ unmet }: Task): number {
  return unmet - 1;
}

/** What it needs that some get the results which they refer to. @param completed one of the tasks that is not stored as that yet */
export function needsResults(slice: Slice, wanted: Wanted, released: Released, completed: Task | null): void {
  const tasks = awaiting(released.tasks, released.unmetOf);
  if (tasks.length === 0) return;
  needsPolicy(wanted);
  let isKnown = slice.hasDocument(POLICY);
  for (const task of tasks) {
    if (task.pendingReason === 'approval') isKnown = wanted.document(`vote ${task.vote}`) && isKnown;
    for (const id of sourcesOf(task)) isKnown = wanted.task(id) && isKnown;
  }
  if (!isKnown) return;
  const taskOf = (id: string) => (id === completed?.id ? completed : slice.task(id));
  const policy = policyOf(slice.document(POLICY), slice.rules.guardian.types);
  const resolutions = resolutionsOf(tasks, taskOf, policy, released.bytes);
  const ending = [...resolutions].filter(([, resolution]) => isEnd(resolution));
  if (ending.length > 0) wanted.fallOfAll(ending.map(([id]) => id));
}

function isEnd(resolution: Resolution): boolean {
  return 'error' in resolution || resolution.verdict.verdict === 'reject';
}

/** A dependency has completed: whoever waited only for it is queued, or waits for its time. Where very many do, the first of them. */
export function releaseDependents(change: Change, done: Task): void {
  const { tasks, more } = change.portionOf(done.id, 0);
  if (tasks.length === 0) return;
  const bytes = release(change, { tasks: tasks.map(({ id }) => change.liveTask(id)), unmetOf: one, bytes: 0 });
  if (more) beginReleasing(change, done, tasks.at(-1)!.seq, bytes);
}

/** Answers how many bytes of results this has brought into tasks. */
export function release(change: Change, { tasks: dependents, unmetOf, bytes }: Released): number {
  const tasks = awaiting(dependents, unmetOf);
  const resolutions =
    tasks.length === 0 ? NONE : resolutionsOf(tasks, (id) => change.task(id), readPolicy(change), bytes);
  for (const { id } of dependents) {
    // It may have fallen with one before it.
    const task = change.liveTask(id);
    const unmet = isWaiting(task) ? unmetOf(task) : task.unmet;
    if (unmet === task.unmet) {
      change.passOver(task);
      continue;
    }
    const next = change.update(task, { unmet });
    const resolution = resolutions.get(id);
    if (resolution) goOnWith(change, next, resolution);
    else if (next.unmet === 0 && next.pendingReason === 'dependencies') goOn(change, next, 'dependencies');
  }
  return bytesOf(resolutions);
}

const NONE: ReadonlyMap<string, Resolution> = new Map();

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
