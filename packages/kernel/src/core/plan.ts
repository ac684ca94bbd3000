import type { Document } from './document.ts';
import type { JsonObject } from './json.ts';
import type { TaskStatus } from './task.ts';

/**
 * A plan: tasks that belong together, some of which depend on others of them.
 *
 *   running ──► completed · failed · cancelled
 *      ▲                       │
 *      └──── a task is retried ┘
 */
export const PLAN_STATUSES = ['running', 'completed', 'failed', 'cancelled'] as const;
export type PlanStatus = (typeof PLAN_STATUSES)[number];

/** What becomes of the other tasks when one ends without completing: all of them are called off, or those alone that need it. */
export const ON_FAILURE = ['stop', 'continue'] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** How a task may end. */
export const ENDS = ['completed', 'failed', 'timeout', 'cancelled', 'rejected'] as const;
export type End = (typeof ENDS)[number];

export function isEnd(status: TaskStatus): status is End {
  return (ENDS as readonly string[]).includes(status);
}

export interface Plan {
  readonly id: string;
  readonly goal: string;
  readonly status: PlanStatus;
  readonly onFailure: OnFailure;
  readonly createdBy: string;
  /** The task whose worker made it, to split its work. */
  readonly parentId: string | null;
  /** How many tasks it has. */
  readonly total: number;
  /** How many of them have ended, and how. */
  readonly counts: Readonly<Record<End, number>>;
  /** The first of its tasks that ended without completing, since it last began to run. */
  readonly failure: { readonly taskId: string; readonly status: End } | null;
  /** What is left of it is being called off, some hundreds of tasks at a time. */
  readonly ending?: Ending;
  readonly createdAt: number;
  readonly endedAt: number | null;
}

export interface Ending {
  readonly reason: 'plan_failed' | 'plan_cancelled';
  /** Who brought it about. */
  readonly actor: string;
  /** Wall time at which the sweeper goes on with it, unless somebody else has. */
  readonly goesOnAt: number;
}

export const NONE_ENDED: Plan['counts'] = { completed: 0, failed: 0, timeout: 0, cancelled: 0, rejected: 0 };

/** How many of its tasks have not ended. */
export function unfinishedOf({ total, counts }: Pick<Plan, 'total' | 'counts'>): number {
  return ENDS.reduce((left, end) => left - counts[end], total);
}

// What is kept of one are two documents: this one changes whenever a task ends, and is small. Which key is which task never
// changes, and may be large; it is touched only when the plan ends, since retention goes by that.

/** What a plan is called among documents. */
export function planName(id: string): string {
  return `plan ${id}`;
}

/** What its tasks' ids are called among documents. */
export function planTasksName(id: string): string {
  return `plan_tasks ${id}`;
}

/** As it is kept. */
export function planDocument({ id, status, createdAt, endedAt, ...body }: Plan, version: number): Document {
  const fixed = { collection: 'plan', id, version, state: status, createdAt } as const;
  return { ...fixed, dueAt: body.ending?.goesOnAt ?? null, endedAt, body: { ...body } as unknown as JsonObject };
}

export function planFrom({ id, state, createdAt, endedAt, body }: Document): Plan {
  const rest = body as unknown as Omit<Plan, 'id' | 'status' | 'createdAt' | 'endedAt'>;
  return { ...rest, id, status: state as PlanStatus, createdAt, endedAt };
}

/** Which key is which task. */
export function planTasksDocument(id: string, tasks: Readonly<Record<string, string>>, createdAt: number): Document {
  const fixed = { collection: 'plan_tasks', id, version: 1, state: '', createdAt } as const;
  return { ...fixed, dueAt: null, endedAt: null, body: { tasks } };
}

export function planTasksFrom({ body }: Document): Readonly<Record<string, string>> {
  return body.tasks as Record<string, string>;
}
