import type { CallOptions, SubmitPlanOptions } from '../client-options.ts';
import type { Plan, PlanGraph, PlanInput, PlanStatus } from '../plan-types.ts';
import { uniqueKey } from '../platform.ts';
import { get, post, remove, segment } from './calls.ts';
import { TaskRoutes } from './tasks.ts';

/** A plan of thousands of tasks takes its time. */
const EXTRA_MS = 60_000;

/** Tasks that depend on each other, and use each other's results. */
export abstract class PlanRoutes extends TaskRoutes {
  /**
   * Hands in up to 10,000 tasks that belong together, all or none, durably and once.
   * @throws ColonyError 422 with what is wrong and where; `dependency_cycle` when tasks wait for each other
   */
  submitPlan(plan: PlanInput, options: SubmitPlanOptions = {}): Promise<Plan> {
    const { idempotencyKey = uniqueKey(), signal } = options;
    const headers = { 'idempotency-key': idempotencyKey };
    return this.requester.json({ ...post('/plans', plan, 'safe', signal), headers, extraMs: EXTRA_MS });
  }

  /** @param options.graph with its tasks, who waits for whom, and a picture @throws ColonyError 404 `plan_not_found` */
  plan(id: string, options: CallOptions & { graph: true }): Promise<PlanGraph>;
  plan(id: string, options?: CallOptions & { graph?: false }): Promise<Plan>;
  plan(id: string, { graph = false, signal }: CallOptions & { graph?: boolean } = {}): Promise<Plan> {
    const query = { view: graph ? 'graph' : undefined };
    return this.requester.json({ ...get(`/plans/${segment(id)}`, signal), query, extraMs: graph ? EXTRA_MS : 0 });
  }

  /** Newest first. */
  plans(query: { status?: PlanStatus; limit?: number } = {}, options: CallOptions = {}): Promise<Plan[]> {
    return this.requester.json({ ...get('/plans', options.signal), query: { ...query } });
  }

  /** Calls off what is left of it; of a plan that has ended nothing is. @throws ColonyError 404 `plan_not_found` */
  async cancelPlan(id: string, options: CallOptions = {}): Promise<void> {
    await this.requester.send({ ...remove(`/plans/${segment(id)}`, options.signal), extraMs: EXTRA_MS });
  }
}
