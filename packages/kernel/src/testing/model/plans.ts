import { createHash } from 'node:crypto';
import type * as Commands from '../../core/command.ts';
import type { Json } from '../../core/json.ts';
import { ENDS, type End, type Plan } from '../../core/plan.ts';
import type { TaskSpec } from '../../core/task.ts';
import { type ModelTask, Refused } from './colony.ts';
import { Guarded } from './guardian.ts';

export type ModelPlan = { -readonly [K in keyof Omit<Plan, 'counts'>]: Plan[K] } & {
  readonly tasks: Record<string, string>;
};

/** Plans as they can be told from their tasks: nothing is counted, all is looked at. */
export class Plans extends Guarded {
  plans: ModelPlan[] = [];
  /** Plans that were ever handed in. */
  handedIn = 0;

  override forget(endedBefore: number): void {
    super.forget(endedBefore);
    this.plans = this.plans.filter(({ endedAt }) => endedAt === null || endedAt >= endedBefore);
  }

  /** As the body keeps it. */
  viewPlan({ tasks, ...plan }: ModelPlan): Plan {
    return { ...plan, counts: this.#counts(plan.id) };
  }

  #counts(id: string): Plan['counts'] {
    const own = this.tasks.filter(({ plan }) => plan === id);
    return Object.fromEntries(
      ENDS.map((end) => [end, own.filter(({ status }) => status === end).length]),
    ) as Plan['counts'];
  }

  protected findPlan(id: string): ModelPlan {
    const plan = this.plans.find((one) => one.id === id);
    if (!plan) throw new Refused('plan_not_found');
    return plan;
  }

  protected beginPlan({ id, goal, onFailure, createdBy, parentId, tasks }: Commands.SubmitPlan): ModelPlan {
    this.handedIn++;
    const plan: ModelPlan = {
      ...{ id, goal, status: 'running', onFailure, createdBy, parentId, total: tasks.length, failure: null },
      ...{ createdAt: this.now.wall, endedAt: null, tasks: {} },
    };
    for (const task of tasks) plan.tasks[task.key] = task.id;
    this.plans.push(plan);
    const parent = parentId === null ? {} : { parent_id: parentId };
    const words = { created_by: createdBy, goal, on_failure: onFailure };
    this.say('plan_created', 'neurosphere', { ...words, ...parent, plan_id: id, tasks: tasks.length });
    return plan;
  }

  protected cancelPlan({ planId }: Commands.CancelPlan): ModelPlan {
    const plan = this.findPlan(planId);
    if (plan.status !== 'running') return plan;
    this.#callOffRest(plan, 'plan_cancelled');
    this.followPlans(planId);
    return plan;
  }

  #callOffRest({ id }: ModelPlan, reason: string): void {
    const rest = this.tasks.filter((task) => task.plan === id && !this.isOver(task));
    // As the plan had them, which is not the order in which they were let in.
    rest.sort((a, b) => a.place - b.place);
    for (const task of rest) {
      this.callOffVote(task);
      const holder = task.status === 'executing' ? task.worker : null;
      this.say('task_cancelled', 'kernel', { reason, task_id: task.id, ...(holder ? { worker_id: holder } : {}) });
      if (holder) this.free(task, holder, 'none');
      Object.assign(task, { status: 'cancelled', pendingReason: null, dueAt: null, deadline: null });
      Object.assign(task, { error: reason, completedAt: this.now.wall });
    }
    for (const task of rest) this.fall(task);
  }

  /** What the entries of the command under way mean for plans. */
  protected followPlans(calledOff: string | null = null): void {
    const touched = new Set<ModelPlan>();
    for (const { type, data } of this.events) {
      const isRetry = type === 'task_requeued' && data.reason === 'retried_by_hand';
      const end = isRetry ? null : OF[type];
      if (end === undefined) continue;
      const task = this.tasks.find(({ id }) => id === data.task_id)!;
      const plan = this.plans.find(({ id }) => id === task.plan);
      if (!plan) continue;
      touched.add(plan);
      if (end === null) this.#again(plan, task);
      else if (end !== 'completed' && plan.status === 'running' && plan.failure === null && plan.id !== calledOff) {
        plan.failure = { taskId: task.id, status: end };
        if (plan.onFailure === 'stop') this.#callOffRest(plan, 'plan_failed');
      }
    }
    for (const plan of touched) this.#conclude(plan, plan.id === calledOff);
  }

  #again(plan: ModelPlan, task: ModelTask): void {
    if (plan.status !== 'running') {
      Object.assign(plan, { status: 'running', failure: null, endedAt: null });
      this.say('plan_resumed', 'neurosphere', { plan_id: plan.id, task_id: task.id });
    } else if (plan.failure?.taskId === task.id) plan.failure = null;
  }

  #conclude(plan: ModelPlan, isCalledOff: boolean): void {
    const own = this.tasks.filter((task) => task.plan === plan.id);
    if (plan.status !== 'running' || own.some((task) => !this.isOver(task))) return;
    const bad = ENDS.find((end) => end !== 'completed' && own.some(({ status }) => status === end));
    plan.status = isCalledOff ? 'cancelled' : bad ? 'failed' : 'completed';
    plan.endedAt = this.now.wall;
    const about = plan.failure ? { task_id: plan.failure.taskId } : {};
    const why = plan.status === 'failed' ? { reason: plan.failure?.status ?? bad!, ...about } : {};
    this.say(`plan_${plan.status}`, 'neurosphere', { plan_id: plan.id, ...why });
  }

  protected override goOnWithResults(task: ModelTask): void {
    this.callOffVote(task);
    const ended = { pendingReason: null, dueAt: null, completedAt: this.now.wall };
    const spec = this.withResults(task);
    if (typeof spec === 'string') {
      Object.assign(task, { ...ended, status: 'cancelled', error: spec });
      this.say('task_cancelled', 'kernel', { reason: 'result_missing', task_id: task.id });
      this.fall(task);
      return;
    }
    const hash = createHash('sha256').update(JSON.stringify(spec)).digest('hex');
    task.spec = spec;
    const { verdict } = this.judged(spec);
    if (verdict === 'reject') {
      Object.assign(task, { ...ended, status: 'rejected' });
      task.error = this.tellRejection(task.id, spec, hash);
      this.fall(task);
      return;
    }
    this.tellVerdict(task.id, spec, hash);
    if (verdict !== 'require_approval') {
      this.goOn(task, 'dependencies');
      return;
    }
    const asked = this.votesOn(task.id);
    task.pendingReason = 'approval';
    task.vote = asked === 0 ? task.id : `${task.id}.${asked + 1}`;
    this.askForApproval(task.id, task.vote, spec, hash);
  }

  /** What it says with the results in it; or what is missing. Payloads here are references and nothing else. */
  protected withResults({ spec: { results_from, ...spec } }: ModelTask): TaskSpec | string {
    const text = (spec.payload as { $result: string }).$result;
    const [key, ...path] = text.split('.');
    const source = this.tasks.find(({ id }) => id === results_from![key!])!;
    if (source.removed) return `result_missing: there is no ${text}: the result of ${key} is not kept any more`;
    let value = JSON.parse(source.result!) as Json | undefined;
    for (const name of path) value = (value as Record<string, Json> | null)?.[name];
    if (value === undefined) return `result_missing: there is no ${text} in the result of ${key}`;
    return { ...spec, payload: value };
  }
}

const OF: Readonly<Record<string, End>> = {
  task_completed: 'completed',
  task_failed: 'failed',
  task_timeout: 'timeout',
  task_cancelled: 'cancelled',
  task_rejected: 'rejected',
};
