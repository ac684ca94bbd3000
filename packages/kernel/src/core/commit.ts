import type { Document } from './document.ts';
import type { LedgerEntry, NewEvent } from './event.ts';
import type { IdempotencyRecord } from './loading.ts';
import type { Saving } from './saved.ts';
import type { Task, TaskStatus } from './task.ts';
import type { Worker } from './worker.ts';

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
