import { type Plan, planFrom, planTasksFrom, planTasksName } from '../core/plan.ts';
import type { DocumentQuery, Store, Tombstone } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { criticalPath, type Knot, orderOf } from '../mind/plans-graph.ts';
import { mermaidOf } from '../mind/plans-mermaid.ts';

/** A plan, and which key is which task. */
export interface KeyedPlan {
  readonly plan: Plan;
  readonly tasks: Readonly<Record<string, string>>;
}

export interface GraphNode {
  readonly key: string;
  readonly task_id: string;
  /** Null: retention has removed the task, and nothing is left of it. */
  readonly status: string | null;
  readonly elapsed_seconds: number | null;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly { readonly from: string; readonly to: string }[];
  readonly critical_path: { readonly keys: readonly string[]; readonly seconds: number | null };
  readonly mermaid: string;
}

/** So many plans, or tasks, are read in one go; and about so many bytes of a page's keys. */
const PLANS_AT_ONCE = 20;
const TASKS_AT_ONCE = 200;

/** What people want to see of plans. Nothing of it changes anything. */
export class PlanDesk {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Newest first; a page ends early once its keys and ids come to more than so many bytes. */
  async list(
    query: Omit<DocumentQuery, 'collection'>,
    maxBytes: number,
  ): Promise<{ items: readonly KeyedPlan[]; more: boolean }> {
    const { items, more } = await this.#store.documents({ ...query, collection: 'plan' });
    const plans: KeyedPlan[] = [];
    let bytes = 0;
    for (let at = 0; at < items.length; at += PLANS_AT_ONCE) {
      for (const one of await this.#withTasks(items.slice(at, at + PLANS_AT_ONCE).map(planFrom))) {
        bytes += bytesOf(one);
        if (plans.length > 0 && bytes > maxBytes) return { items: plans, more: true };
        plans.push(one);
      }
    }
    return { items: plans, more };
  }

  async find(id: string): Promise<KeyedPlan | null> {
    const document = await this.#store.document('plan', id);
    return document && (await this.#withTasks([planFrom(document)]))[0]!;
  }

  async #withTasks(plans: readonly Plan[]): Promise<KeyedPlan[]> {
    const { documents } = await this.#store.load({ documents: plans.map(({ id }) => planTasksName(id)) });
    return plans.map((plan) => {
      const document = documents.get(planTasksName(plan.id));
      return { plan, tasks: document ? planTasksFrom(document) : {} };
    });
  }

  /** @param now wall time, for how long tasks have been at work */
  async graph({ tasks }: KeyedPlan, now: number): Promise<Graph> {
    const seen: Seen[] = [];
    const entries = Object.entries(tasks);
    const keys = new Map(entries.map(([key, id]) => [id, key]));
    for (let at = 0; at < entries.length; at += TASKS_AT_ONCE) {
      const some = entries.slice(at, at + TASKS_AT_ONCE);
      const loaded = await this.#store.load({ tasks: some.map(([, id]) => id) });
      for (const [key, id] of some) seen.push(seenOf(key, id, loaded.tasks.get(id) ?? null, keys, now));
    }
    return graphOf(seen);
  }
}

function bytesOf({ plan, tasks }: KeyedPlan): number {
  return JSON.stringify(tasks).length + plan.goal.length + 500;
}

interface Seen extends Knot {
  readonly node: GraphNode;
  readonly description: string;
}

function seenOf(
  key: string,
  id: string,
  task: Task | Tombstone | null,
  keys: ReadonlyMap<string, string>,
  now: number,
): Seen {
  const node = { key, task_id: id, status: task?.status ?? null, elapsed_seconds: null };
  if (!task || 'removed' in task) return { key, dependsOn: [], node, description: 'removed' };
  const { depends_on, description } = task.spec.value;
  const dependsOn = depends_on.flatMap((other) => keys.get(other) ?? []);
  return { key, dependsOn, node: { ...node, elapsed_seconds: elapsedSeconds(task, now) }, description };
}

function elapsedSeconds({ startedAt, completedAt, status }: Task, now: number): number | null {
  if (startedAt === null || (completedAt === null && status !== 'executing')) return null;
  return Math.max(0, (completedAt ?? now) - startedAt) / 1000;
}

function graphOf(seen: readonly Seen[]): Graph {
  const ordered = orderOf(seen);
  const order = 'order' in ordered ? ordered.order : [];
  const shown = seen.map(({ key, dependsOn, node, description }) => ({
    ...{ key, dependsOn, description },
    status: node.status ?? 'removed',
  }));
  return {
    nodes: seen.map(({ node }) => node),
    edges: seen.flatMap(({ key, dependsOn }) => dependsOn.map((from) => ({ from, to: key }))),
    critical_path: criticalPath(seen, order, (place) => seen[place]!.node.elapsed_seconds),
    mermaid: mermaidOf(shown),
  };
}
