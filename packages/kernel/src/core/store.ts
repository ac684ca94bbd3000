import type { Contents, Moment, Piece } from './archive.ts';
import type { Now } from './clock.ts';
import type { IdempotencyKey } from './command.ts';
import type { Collection, Document } from './document.ts';
import type { LedgerEntry, NewEvent } from './event.ts';
import type { Fellows } from './fellows.ts';
import type { JsonObject } from './json.ts';
import type { LaneDirectory } from './lane-directory.ts';
import type { Ledger } from './ledger.ts';
import type { MemoryFound, MemorySearch } from './memory-search.ts';
import type { DocumentQuery, Due, NamedQuery, Page, Retention, TaskQuery } from './queries.ts';
import type { SavedPage, SavedQuery, Saving } from './saved.ts';
import type { Task, TaskStatus } from './task.ts';
import type { Worker } from './worker.ts';

export type { Ledger, LedgerQuery, LedgerSpan, Verification } from './ledger.ts';
export type { DocumentQuery, Due, NamedQuery, Page, Retention, TaskQuery } from './queries.ts';

/**
 * The port behind which the colony's state lives. There is no policy below it: a store loads records, commits
 * changes with the ledger entries that tell of them, and answers questions. It knows nothing of what a change means.
 *
 * Every method may throw `StorageUnavailable`; a commit that throws may or may not have happened.
 */
export interface Store {
  /** In plain words: what of what was acknowledged survives what. */
  readonly durability: string;

  /** Reads records for deciding. What does not exist is null; a task that retention removed is a tombstone. */
  load(needs: Needs): Promise<Loaded>;

  /**
   * Applies units in order, each of them whole or not at all, and all that succeed in one durable transaction
   * together with their ledger entries. A unit conflicts when a record it expects or has read has another version by
   * now (or when it builds on a unit that conflicted), or when with it one of the limits would be broken.
   */
  commit(units: readonly Unit[], at: number, limits?: CommitLimits): Promise<Committed>;

  /** How much there is: what every batch of decisions starts from. What is asked for next is no older than its mark. */
  survey(): Promise<Survey>;

  task(id: string): Promise<Task | null>;
  /** Newest first. */
  tasks(query: TaskQuery): Promise<Page<Task>>;
  worker(id: string): Promise<Worker | null>;
  workers(): Promise<readonly Worker[]>;
  document(collection: Collection, id: string): Promise<Document | null>;
  /** Newest first. */
  documents(query: DocumentQuery): Promise<Page<Document>>;
  documentsNamed(query: NamedQuery): Promise<Page<Document>>;
  /** What of a scope of the memory is near to a vector, or holds some words. Throws `ScopeTooLarge` when it cannot be searched. */
  search(query: MemorySearch): Promise<MemoryFound>;
  /** Pending tasks and documents whose time has come, and executing tasks over their deadline; and when to look again. */
  due(now: Now, limit: number): Promise<Due>;
  /** The oldest queued task's `queuedAt`, or null. */
  oldestQueued(): Promise<number | null>;
  /** A place in the whole queue, counted from 1 over all lanes; `BEYOND_COUNTING`: it is not nearer than that. */
  position(place: QueueRank): Promise<number>;

  readonly ledger: Ledger;
  /** The other kernels, where several may share the store; null where there can be only one. */
  readonly fellows: Fellows | null;

  /**
   * Removes what retention no longer keeps; `limit` bounds the work of one call. Answers how much was removed.
   * @param saving how the store saved when that was looked at: once it saves otherwise, nothing is removed; undefined: however it does
   */
  prune(before: Retention, limit: number, saving?: Saving): Promise<number>;
  /**
   * The records that may not be what they were at a checkpoint, in the order of the numbers under which they are kept. Each
   * of them comes once over all pages, also when whoever reads changes those of a page before asking for the next; and a page
   * costs the same, however many records there are.
   */
  saved(query: SavedQuery): Promise<SavedPage>;
  /**
   * Lets go what is kept under numbers below this one; `limit` bounds the work of one call. Answers how much went; 0: all, or
   * nothing because the store saves otherwise than it did when that was looked at.
   * @param saving how it saved then; undefined: however it does
   */
  forgetSaved(below: number, limit: number, saving?: Saving): Promise<number>;
  /**
   * Everything the store holds, read as it is asked for: at a moment, while others go on; or as it is, and nobody may write
   * meanwhile.
   */
  dump(moment?: Moment): AsyncIterable<Piece>;
  /**
   * Fills an empty store from an archive, written as it arrives. From the first write until all of it was found to have
   * arrived, the ledger's chain recomputed, the store is marked, and cannot be opened. Throws `NotEmpty`, or an Error with
   * a sentence for people when the archive is not whole. Answers what has arrived.
   */
  restore(pieces: AsyncIterable<Piece>): Promise<Contents>;
  /** Whether a write can be made durable now; throws `StorageUnavailable` with the reason if not. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

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

/** What must still hold when a commit is carried out. */
export interface CommitLimits {
  /** No more tasks than this may be executing. */
  readonly room?: number | undefined;
  /** Nor more than these may of some pools. */
  readonly caps?: readonly Cap[] | undefined;
  /** The epoch in which the tokens were given out, which must still be the one. */
  readonly epoch?: string | null | undefined;
  /**
   * How the store saved when the units were decided, which must still be so; undefined: however it does. Of a commit that
   * changes it, its put says so itself.
   */
  readonly saving?: Saving | undefined;
  readonly basis?: Basis | undefined;
}

/** How many tasks of a pool may be executing. */
export interface Cap {
  readonly pool: string;
  readonly most: number;
}

/** What a commit rests on as a whole, where other kernels may commit, too. */
export interface Basis {
  /** How things stood when the first of what was decided on was looked at. */
  readonly mark: string;
  /**
   * Nobody else may have committed since: then all units conflict. In return nothing is looked up of what they have
   * read; and a commit without units tells whether it is so.
   */
  readonly exclusive: boolean;
  /** The name for how things stand after the commit: one that nobody has used before. */
  readonly next: string;
}

/** One command's changes. */
export interface Unit {
  readonly puts: readonly Put[];
  readonly events: readonly NewEvent[];
  /** What it rests on without changing it. Only a store with fellows has to look: elsewhere nobody else writes. */
  readonly reads?: readonly Read[];
}

/** The version of what is left of a task that retention removed. */
export const REMOVED = -1;

/** A task or document at a version (0: there is none); or how many tasks hang on one, as they were loaded. */
export type Read =
  | { readonly kind: 'task' | 'document'; readonly id: string; readonly version: number }
  | { readonly kind: 'dependents' | 'children'; readonly id: string; readonly count: number };

/**
 * A record's next state. `prev` is the record it was decided on (null: must not exist yet); the store expects to
 * find that version. Without a `next` it is removed: a task as if it had never been, but that the ledger still tells of it,
 * and that its versions and tokens are remembered. A `next` without `prev` whose version is above 1 is of a task that was
 * there before, whoever removed it: it goes on where it was. What is left of a task that is not there, or goes with the same
 * commit, can be made to say how it ended, or that it has never been; of one that is there nothing is left to say so. How the
 * store saves is put alone, and counts from the next commit on.
 */
export type Put =
  | { readonly kind: 'task'; readonly prev: Task | null; readonly next: Task | null }
  | { readonly kind: 'worker'; readonly prev: Worker | null; readonly next: Worker | null }
  | { readonly kind: 'document'; readonly prev: Document | null; readonly next: Document | null }
  | { readonly kind: 'idempotency'; readonly prev: IdempotencyRecord | null; readonly next: IdempotencyRecord | null }
  | { readonly kind: 'remains'; readonly id: string; readonly status: TaskStatus | null }
  | { readonly kind: 'saving'; readonly prev: Saving; readonly next: Saving };

export interface Committed {
  readonly outcomes: readonly ('committed' | 'conflict')[];
  /** The entries that were appended, in order. */
  readonly entries: readonly LedgerEntry[];
  /** With a basis: whether it is certain that nobody else has committed since its mark. */
  readonly undisturbed?: boolean;
}
