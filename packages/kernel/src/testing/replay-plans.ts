import { ENDS, type End, isEnd, type OnFailure, type Plan, type PlanStatus } from '../core/plan.ts';
import type { TaskStatus } from '../core/task.ts';

/** What the ledger says of a plan. */
export interface TracedPlan {
  status: PlanStatus;
  readonly total: number;
  readonly onFailure: OnFailure;
  /** The task that its failure was put down to. */
  blamed: string | null;
}

/** A plan as it is stored, or as much of it as somebody sees from outside. */
export type SeenPlan = Pick<Plan, 'id' | 'status' | 'total' | 'counts'>;

interface Entry {
  readonly type: string;
  readonly data: {
    readonly plan_id?: string;
    readonly task_id?: string;
    readonly tasks?: number;
    readonly on_failure?: OnFailure;
  };
}

type Complain = (text: string) => void;

/** How each type of entry moves a plan. */
const MOVES: Record<string, readonly [from: readonly PlanStatus[], to: PlanStatus]> = {
  plan_completed: [['running'], 'completed'],
  plan_failed: [['running'], 'failed'],
  plan_cancelled: [['running'], 'cancelled'],
  plan_resumed: [['completed', 'failed', 'cancelled'], 'running'],
};

/** Plans by the ledger alone, as part of a replay. */
export function followPlan(plans: Map<string, TracedPlan>, { type, data }: Entry, complain: Complain): void {
  const id = data.plan_id!;
  const plan = plans.get(id);
  if (type === 'plan_created') {
    if (plan) complain(`invariant 6: plan ${id} was created twice`);
    plans.set(id, { status: 'running', total: data.tasks!, onFailure: data.on_failure!, blamed: null });
    return;
  }
  const [from, to] = MOVES[type]!;
  if (!plan || !from.includes(plan.status)) complain(`invariant 6: ${type} of plan ${id}, which was ${plan?.status}`);
  if (plan) Object.assign(plan, { status: to, blamed: data.task_id ?? null });
}

/** Whether plans are what the ledger says, and what their tasks have come to. @param tasks by the ledger: status, and plan */
export function comparePlans(
  traced: ReadonlyMap<string, TracedPlan>,
  seen: readonly SeenPlan[],
  tasks: Iterable<{ readonly status: TaskStatus | 'new'; readonly plan: string | null }>,
  complain: Complain,
): void {
  const counted = new Map<string, Record<End, number> & { all: number }>();
  for (const { status, plan } of tasks) {
    if (plan === null) continue;
    const counts = counted.get(plan) ?? { completed: 0, failed: 0, timeout: 0, cancelled: 0, rejected: 0, all: 0 };
    counted.set(plan, counts);
    counts.all++;
    if (status !== 'new' && isEnd(status)) counts[status]++;
  }
  for (const { id, status, total, counts } of seen) {
    const trace = traced.get(id);
    const own = counted.get(id);
    if (trace?.status !== status) complain(`invariant 10: plan ${id} is ${status}, the ledger says ${trace?.status}`);
    if (trace?.total !== total || own?.all !== total)
      complain(
        `invariant 10: plan ${id} has ${total} tasks, the ledger says ${trace?.total}, and tells of ${own?.all}`,
      );
    for (const end of ENDS)
      if (counts[end] !== own?.[end])
        complain(`invariant 10: plan ${id} counts ${counts[end]} ${end}, its tasks ${own?.[end]}`);
    const left = ENDS.reduce((rest, end) => rest - counts[end], total);
    if (left > 0 !== (status === 'running')) complain(`invariant 10: plan ${id} is ${status} with ${left} tasks left`);
    if ((status === 'completed') !== (counts.completed === total))
      complain(`invariant 10: plan ${id} is ${status} with ${counts.completed} of ${total} tasks completed`);
  }
  if (seen.length !== traced.size) complain(`invariant 10: ${seen.length} plans, the ledger says ${traced.size}`);
}
