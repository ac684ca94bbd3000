import type { Contents, Moment, Piece } from './archive.ts';
import type { Now } from './clock.ts';
import type { CommitLimits, Committed, Unit } from './commit.ts';
import type { Collection, Document } from './document.ts';
import type { Fellows } from './fellows.ts';
import type { Ledger } from './ledger.ts';
import type { Loaded, Needs, QueueRank, Survey } from './loading.ts';
import type { MemoryFound, MemorySearch } from './memory-search.ts';
import type { DocumentQuery, Due, NamedQuery, Page, Retention, TaskQuery } from './queries.ts';
import type { SavedPage, SavedQuery, Saving } from './saved.ts';
import type { Task } from './task.ts';
import type { Worker } from './worker.ts';

export type { Basis, Cap, CommitLimits, Committed, Put, Read, Unit } from './commit.ts';
export { REMOVED } from './commit.ts';
export type { Ledger, LedgerQuery, LedgerSpan, Verification } from './ledger.ts';
export type {
  IdempotencyRecord,
  Lane,
  LaneHead,
  LaneNeed,
  Loaded,
  Needs,
  Outsiders,
  OutsidersNeed,
  Portion,
  PortionNeed,
  QueueRank,
  Survey,
  Tombstone,
} from './loading.ts';
export { BEYOND_COUNTING, MOST_DEPENDENTS, MOST_UNFINISHED } from './loading.ts';
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
