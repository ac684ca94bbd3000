import { type Plan, planFrom, planTasksFrom, planTasksName } from '../core/plan.ts';
import type { DocumentQuery, Store } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { criticalPath, type Knot, orderOf } from '../mind/plans-graph.ts';
import { brief, mermaidOf } from '../mind/plans-mermaid.ts';

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

/** So many plans are read in one go. */
const PLANS_AT_ONCE = 20;
/** Tasks are read some at a time, as many as come to so many bytes: what they were given, and what came of it, may be large. */
const TASKS_AT_ONCE = 200;
const BYTES_AT_ONCE = 2 * 1024 * 1024;

/** What people want to see of plans. Nothing of it changes anything. */
export class PlanDesk {
  readonly #store: Store;
  readonly #breathe: () => Promise<void>;

  /** @param breathe over once whatever else waits at this moment was served */
  constructor(store: Store, breathe: () => Promise<void>) {
    this.#store = store;
    this.#breathe = breathe;
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
  async graph({ plan, tasks }: KeyedPlan, now: number): Promise<Graph> {
    const entries = Object.entries(tasks);
    const keys = new Map(entries.map(([key, id]) => [id, key]));
    const seen = new Map<string, Seen>();
    for await (const task of this.#tasksOf(plan.id)) seen.set(task.id, seenOf(keys.get(task.id)!, task, keys, now));
    await this.#addRemoved(
      entries.filter(([, id]) => !seen.has(id)),
      seen,
    );
    await this.#breathe();
    return graphOf(entries.map(([, id]) => seen.get(id)!));
  }

  /** Others are served between the pages. */
  async *#tasksOf(planId: string): AsyncGenerator<Task> {
    for (let before: number | undefined, more = true; more; ) {
      await this.#breathe();
      const range = before === undefined ? {} : { before };
      const page = await this.#store.tasks({ planId, ...range, limit: TASKS_AT_ONCE, maxBytes: BYTES_AT_ONCE });
      yield* page.items;
      before = page.items.at(-1)?.seq;
      more = page.more && before !== undefined;
    }
  }

  /** Of tasks that retention has removed little is left, or nothing. */
  async #addRemoved(entries: readonly (readonly [key: string, id: string])[], seen: Map<string, Seen>): Promise<void> {
    for (let at = 0; at < entries.length; at += TASKS_AT_ONCE) {
      await this.#breathe();
      const some = entries.slice(at, at + TASKS_AT_ONCE);
      const { tasks } = await this.#store.load({ tasks: some.map(([, id]) => id) });
      for (const [key, id] of some) seen.set(id, removed(key, id, tasks.get(id)?.status ?? null));
    }
  }
}

function bytesOf({ plan, tasks }: KeyedPlan): number {
  return JSON.stringify(tasks).length + plan.goal.length + 500;
}

interface Seen extends Knot {
  readonly node: GraphNode;
  readonly description: string;
}

function seenOf(key: string, task: Task, keys: ReadonlyMap<string, string>, now: number): Seen {
  const { id, status } = task;
  const { depends_on, description } = task.spec.value;
  const dependsOn = depends_on.flatMap((other) => keys.get(other) ?? []);
  return {
    ...{ key, dependsOn, description: brief(description) },
    node: { key, task_id: id, status, elapsed_seconds: elapsedSeconds(task, now) },
  };
}

function removed(key: string, id: string, status: string | null): Seen {
  return {
    ...{ key, dependsOn: [], description: 'removed' },
    node: { key, task_id: id, status, elapsed_seconds: null },
  };
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
