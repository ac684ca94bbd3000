import type { Collection, Document } from './document.ts';
import type { Task, TaskStatus } from './task.ts';

/** What a store is asked beside single records, and what it answers. */

export interface TaskQuery {
  readonly status?: TaskStatus;
  readonly tag?: string;
  readonly createdBy?: string;
  readonly workerId?: string;
  readonly planId?: string;
  /** Only tasks with a smaller `seq`. */
  readonly before?: number;
  readonly limit: number;
  /** The page ends early once its tasks' JSON exceeds this many bytes (at least one task is given). */
  readonly maxBytes: number;
}

export interface DocumentQuery {
  readonly collection: Collection;
  readonly state?: string;
  /** Only documents that stand behind this one. */
  readonly before?: Pick<Document, 'createdAt' | 'id'>;
  readonly limit: number;
}

/** Documents of a collection in the order of their ids, by the bytes of UTF-8. */
export interface NamedQuery {
  readonly collection: 'memory' | 'memory_scope';
  /** What their ids begin with. */
  readonly prefix: string;
  /** Only ids behind this one. */
  readonly after?: string;
  readonly limit: number;
  /** The page ends early once its documents' texts exceed this many characters (at least one is given). */
  readonly maxCharacters: number;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly more: boolean;
}

/** What expires together is no longer than this, in characters; but one may be. */
export const MOST_EXPIRING = 2 * 1024 * 1024;

export interface Due {
  readonly ready: readonly Task[];
  readonly overdue: readonly Task[];
  /** What is in memory apart from all others, so that nobody waits for what expires; of it no more at once than is quickly done. */
  readonly documents: readonly Document[];
  /** When the next pending task or document is due (wall), if any. */
  readonly nextReadyAt: number | null;
  /** When the next attempt is over (steady), if any. */
  readonly nextDeadline: number | null;
}

/** Wall times; what is older goes. Null keeps everything. */
export interface Retention {
  /** Of tasks and of documents. */
  readonly endedBefore: number | null;
  readonly ledgerBefore: number | null;
  readonly idempotencyBefore: number;
}
