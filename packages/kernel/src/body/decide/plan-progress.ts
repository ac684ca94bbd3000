import type { Document } from '../../core/document.ts';
import {
  ENDS,
  type End,
  type Ending,
  isEnd,
  type Plan,
  type PlanStatus,
  planDocument,
  planFrom,
  planName,
  planTasksName,
  unfinishedOf,
} from '../../core/plan.ts';
import type { Task } from '../../core/task.ts';
import type { Change, Move } from '../change.ts';
import { callOff } from './cancel.ts';
import { cancelOutsiders } from './ending.ts';

/** What the end of tasks means for the plans they belong to, in the same transaction; and that one runs again. */

/** A plan while what a decision means for it is worked out. */
interface Standing {
  readonly document: Document;
  readonly plan: { -readonly [K in keyof Plan]: Plan[K] };
  /** What is left of it is called off: now, or it was begun before. */
  reason: Ending['reason'] | null;
  isCalledOff: boolean;
}

/** A plan of which what was left has been called off, or as much of it as is at once; the sweeper goes on after `pauseMs`. */
export interface CalledOff {
  readonly id: string;
  readonly pauseMs: number;
}

export function followPlans(change: Change, calledOff: CalledOff | null = null): void {
  if (change.moves.length === 0) return;
  const standings = new Map<string, Standing | null>();
  // Others may join while it is gone through.
  for (const move of change.moves) {
    const id = move.task.plan!;
    const standing = standings.get(id) ?? standingOf(change, id, id === calledOff?.id);
    standings.set(id, standing);
    if (!standing || !follow(change, standing, move) || standing.reason !== null) continue;
    standing.plan.failure = failureOf(move.task);
    if (standing.plan.onFailure !== 'stop') continue;
    Object.assign(standing, { reason: 'plan_failed', isCalledOff: true });
    callOffRest(change, id, 'plan_failed');
  }
  change.moves.length = 0;
  for (const standing of standings.values()) if (standing) conclude(change, standing, calledOff?.pauseMs ?? 0);
}

/** Null: retention has removed it. */
function standingOf(change: Change, id: string, isCalledOff: boolean): Standing | null {
  const document = change.document(planName(id));
  if (!document) return null;
  const plan = planFrom(document);
  return { document, plan, reason: plan.ending?.reason ?? (isCalledOff ? 'plan_cancelled' : null), isCalledOff };
}

/** Answers whether it is the first that fails. */
function follow(change: Change, { plan }: Standing, { from, task }: Move): boolean {
  const counts = { ...plan.counts };
  if (from !== null && isEnd(from)) counts[from]--;
  if (isEnd(task.status)) counts[task.status]++;
  plan.counts = counts;
  if (!isEnd(task.status)) {
    if (plan.status === 'running') {
      if (plan.failure?.taskId === task.id) plan.failure = null;
    } else resume(change, plan, task);
    return false;
  }
  return task.status !== 'completed' && plan.status === 'running' && plan.failure === null;
}

function failureOf({ id, status }: Task): Plan['failure'] {
  return { taskId: id, status: status as End };
}

function resume(change: Change, plan: Standing['plan'], task: Task): void {
  Object.assign(plan, { status: 'running', failure: null, endedAt: null });
  change.event('plan_resumed', 'neurosphere', { plan_id: plan.id, task_id: task.id });
}

/** What is left of a plan, running attempts included, as much as is called off at once; and what outside of it depends on that. */
export function callOffRest(change: Change, plan: string, reason: Ending['reason']): void {
  const ended = change.unfinishedOf(plan).map((task) => callOff(change, task, reason, reason));
  // On tasks that are just being made nobody else depends.
  if (change.isNewPlan(plan)) return;
  for (const task of ended) cancelOutsiders(change, task);
}

function conclude(change: Change, { document, plan, reason, isCalledOff }: Standing, pauseMs: number): void {
  const isOver = unfinishedOf(plan) === 0;
  if (isOver) delete plan.ending;
  else if (reason !== null && isCalledOff) {
    const { slice, actor } = change;
    plan.ending = { reason, actor: plan.ending?.actor ?? actor, goesOnAt: slice.now.wall + pauseMs };
  }
  if (plan.status === 'running' && isOver) {
    plan.status = endOf(plan, reason);
    plan.endedAt = change.slice.now.wall;
    if (plan.status === 'failed') tellFailure(change, plan);
    else change.event(`plan_${plan.status as 'completed' | 'cancelled'}`, 'neurosphere', { plan_id: plan.id });
  }
  change.updateDocument(document, planDocument(plan, document.version + 1));
  if (plan.endedAt === document.endedAt) return;
  const tasks = change.document(planTasksName(plan.id));
  if (tasks) change.updateDocument(tasks, { endedAt: plan.endedAt });
}

function endOf({ counts, total }: Plan, reason: Ending['reason'] | null): PlanStatus {
  if (reason === 'plan_cancelled') return 'cancelled';
  return counts.completed === total ? 'completed' : 'failed';
}

function tellFailure(change: Change, { id, failure, counts }: Plan): void {
  // The first to fail may have been run again since, to a better end.
  const reason: End = failure?.status ?? ENDS.find((end) => end !== 'completed' && counts[end] > 0)!;
  change.event('plan_failed', 'neurosphere', {
    plan_id: id,
    reason,
    ...(failure ? { task_id: failure.taskId } : {}),
  });
}
