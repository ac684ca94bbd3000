import type { Graph, KeyedPlan } from '../body/plan-desk.ts';
import { timestamp } from '../core/clock.ts';
import { unfinishedOf } from '../core/plan.ts';

/** A plan as it goes out; with its graph, where that was asked for. */
export function renderPlan({ plan, tasks }: KeyedPlan, graph: Graph | null = null): string {
  const { failure, endedAt } = plan;
  return JSON.stringify({
    ...{ id: plan.id, goal: plan.goal, status: plan.status, on_failure: plan.onFailure, tasks },
    progress: { completed: plan.counts.completed, total: plan.total },
    counts: { ...plan.counts, unfinished: unfinishedOf(plan) },
    failure: failure && { task_id: failure.taskId, status: failure.status },
    created_by: plan.createdBy,
    parent_id: plan.parentId,
    created_at: timestamp(plan.createdAt),
    completed_at: endedAt === null ? null : timestamp(endedAt),
    ...graph,
  });
}
