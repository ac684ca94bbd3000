import type { IdempotencyKey } from './command.ts';
import type { Document } from './document.ts';
import type { JsonObject } from './json.ts';
import type { LaneDirectory } from './lane-directory.ts';
import type { Saving } from './saved.ts';
import type { Task, TaskStatus } from './task.ts';
import type { Worker } from './worker.ts';

/** What is to be read before something can be decided; each part that is not asked for is empty. */
export interface Needs {
  readonly tasks?: readonly string[];
  readonly workers?: readonly string[];
  readonly idempotency?: readonly string[];
  /** By their names: see `nameOf`. */
  readonly documents?: readonly string[];
  /** Tasks that depend on these. */
  readonly dependents?: readonly string[];
  /** Tasks that depend on these, the tasks that depend on those, and so on. */
  readonly allDependents?: readonly string[];
  /** Tasks whose parent is one of these, their children, and so on. */
  readonly allDescendants?: readonly string[];
  /** Some of those that depend on a task. */
  readonly portions?: readonly PortionNeed[];
  /** The tasks of these plans that have not ended; of each the oldest, up to `MOST_UNFINISHED`. */
  readonly unfinished?: readonly string[];
  /** Who depends on tasks of plans, and does not belong to the plan itself. */
  readonly outsiders?: readonly OutsidersNeed[];
  /** The next queued tasks of these lanes. */
  readonly lanes?: readonly LaneNeed[];
  /** How many tasks are executing in these pools: see `lane.ts`. */
  readonly pools?: readonly string[];
  /** How many sequence numbers to set aside for new tasks. */
  readonly sequences?: number;
}

/** So many of a plan's tasks that have not ended are loaded at once. */
export const MOST_UNFINISHED = 500;

/** So many of those that depend on a task are loaded at once. */
export const MOST_DEPENDENTS = 500;

export interface PortionNeed {
  readonly id: string;
  /** Only those behind this sequence number; 0: from the first on. */
  readonly after: number;
}

export interface Portion {
  /** By age. */
  readonly tasks: readonly Task[];
  readonly more: boolean;
  /** How many depend on it in all. */
  readonly count: number;
}

export interface OutsidersNeed {
  readonly plan: string;
  /** Of its tasks. */
  readonly ids: readonly string[];
}

export interface Outsiders {
  readonly tasks: readonly Task[];
  /** How many depend on it in all, those of the plan included. */
  readonly count: number;
}

export interface LaneNeed {
  readonly lane: string;
  /** Only tasks of this priority; absent: of all. */
  readonly priority?: number;
  /** Only tasks behind this one. */
  readonly after: QueueRank | null;
  readonly limit: number;
}

/** A place in a lane: higher priority first, then the order of submission. */
export interface QueueRank {
  readonly priority: number;
  readonly seq: number;
}

/** Places in the queue are counted up to the one before this. */
export const BEYOND_COUNTING = 10_001;

export interface Loaded {
  readonly tasks: ReadonlyMap<string, Task | Tombstone | null>;
  readonly workers: ReadonlyMap<string, Worker | null>;
  readonly idempotency: ReadonlyMap<string, IdempotencyRecord | null>;
  readonly documents: ReadonlyMap<string, Document | null>;
  /** An entry for each task whose dependents were asked for, be it directly or on the way down. */
  readonly dependents: ReadonlyMap<string, readonly Task[]>;
  readonly children: ReadonlyMap<string, readonly Task[]>;
  /** By plan, oldest first. */
  readonly unfinished: ReadonlyMap<string, readonly Task[]>;
  /** By the task they depend on. */
  readonly portions: ReadonlyMap<string, Portion>;
  readonly outsiders: ReadonlyMap<string, Outsiders>;
  /** By the lane, or where one priority was asked for by its level: see `levelOf`. */
  readonly lanes: ReadonlyMap<string, LaneHead>;
  readonly pools: ReadonlyMap<string, number>;
  /** The first of the sequence numbers set aside. */
  readonly firstSequence: number;
}

export interface LaneHead {
  /** In queue order. */
  readonly tasks: readonly Task[];
  /** Whether more are queued behind them. */
  readonly more: boolean;
}

/**
 * What is left of a task that retention removed, as long as the ledger tells of it, a task depends on it, or something is
 * kept of it for a checkpoint: how it ended.
 */
export interface Tombstone {
  readonly id: string;
  readonly removed: true;
  readonly status: TaskStatus;
}

export interface Survey {
  readonly tasks: Readonly<Record<TaskStatus, number>>;
  /** How the attempts of the workers that are registered ended. */
  readonly attempts: { readonly completed: number; readonly failed: number };
  /** No fencing token up to this one may be given out any more, whatever the tasks say. */
  readonly tokenFloor: number;
  /** In which epoch that is so: a store that may have lost something begins another. Null where nothing can get lost. */
  readonly epoch: string | null;
  /** The lanes of the queue that hold tasks, by their keys. */
  readonly lanes: LaneDirectory;
  /** A name for how things stand; every commit gives them another. Null where only one kernel writes. */
  readonly mark: string | null;
  /** No idempotency key behind this one, in the order of its characters, has been used; null: that is not known. */
  readonly lastKey: string | null;
  readonly saving: Saving;
}

export interface Lane {
  readonly key: string;
  readonly requirements: JsonObject;
}

export interface IdempotencyRecord extends IdempotencyKey {
  readonly taskIds: readonly string[];
  readonly at: number;
}
