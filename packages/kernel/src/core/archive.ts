import type { Document } from './document.ts';
import type { ChainedEntry } from './event.ts';
import type { Saving } from './saved.ts';
import type { IdempotencyRecord } from './store.ts';
import type { Task, TaskStatus } from './task.ts';
import type { Worker } from './worker.ts';

/**
 * An archive: all that a store holds, as pieces of plain data that any other store can take in. The head comes first,
 * then tasks by age, what is left of removed ones, workers, documents, idempotency records by age, what is kept for
 * checkpoints, and the ledger in order. What is left of a task, a worker, a document or an idempotency record may come more
 * than once; it then says the same.
 */
export type Piece =
  | Head
  | StoredTask
  | RemovedTask
  | StoredWorker
  | StoredDocument
  | StoredKey
  | SavedText
  | LedgerPiece;

/**
 * A moment that is past, and of which everything can still be told: that before a checkpoint was made, as long as this
 * checkpoint stays, nobody goes back to one, and retention removes nothing.
 */
export interface Moment {
  /** The checkpoint's own number and its document's name: neither had been there yet. */
  readonly number: number;
  readonly document: string;
  /** How the store saved until then. */
  readonly saving: Saving;
  /** The newest entry of the ledger there was. */
  readonly lastEntry: number;
}

/** What the pieces of an archive are. */
export const ARCHIVE_FORMAT = 4;
/** What a store takes in; it refuses others. In the third, tasks belonged to no plan. */
export const ARCHIVE_FORMATS: readonly number[] = [3, ARCHIVE_FORMAT];

export interface Head {
  readonly kind: 'head';
  readonly format: number;
  /** The newest sequence number that was given out. */
  readonly sequence: number;
  readonly saving: Saving;
  /** The oldest entry of the ledger that is kept, and the hash before it. */
  readonly ledger: { readonly first: number; readonly anchor: string };
  /** Null: that was not known when the archive was begun. */
  readonly contents: Contents | null;
}

/** How much there is: what has arrived is measured by it. */
export interface Contents {
  readonly tasks: number;
  /** Tasks that retention or a rollback removed. */
  readonly removed: number;
  readonly workers: number;
  readonly documents: number;
  /** Idempotency records. */
  readonly keys: number;
  /** States kept for checkpoints. */
  readonly saved: number;
  /** Entries of the ledger, and the hash of the newest. */
  readonly entries: number;
  readonly head: string;
}

export interface StoredTask {
  readonly kind: 'task';
  /** Its `deadline` counts by the steady clock of the store it comes from. */
  readonly task: Task;
  /** The ids of its ledger entries, oldest first. */
  readonly history: readonly number[];
  /** What it descends from now: its parent or, when that was removed, what that was handed on to. */
  readonly parent: string | null;
}

export interface RemovedTask {
  readonly kind: 'removed';
  readonly remains: Remains;
  readonly history: readonly number[];
}

/** What is left of a removed task. */
export interface Remains {
  readonly id: string;
  /** How it ended; null: it was removed as if it had never been. */
  readonly status: TaskStatus | null;
  /** The highest it had. */
  readonly version: number;
  readonly leaseToken: number;
}

export interface StoredWorker {
  readonly kind: 'worker';
  readonly worker: Worker;
}

export interface StoredDocument {
  readonly kind: 'document';
  readonly document: Document;
}

export interface StoredKey {
  readonly kind: 'key';
  readonly record: IdempotencyRecord;
}

/** What a record was when it first changed after a checkpoint. */
export interface SavedText {
  readonly kind: 'saved';
  /** The checkpoint's number, and what the record is called among those of all kinds. */
  readonly number: number;
  readonly name: string;
  /** As all stores write it; of a task that retention had removed, how it had ended; null: there was no such record. */
  readonly text: string | null;
}

/** Entries that follow each other and have the same time. */
export interface LedgerPiece {
  readonly kind: 'entries';
  readonly entries: readonly ChainedEntry[];
}

/** A store that is to be filled holds something already; nothing of it was changed. */
export class NotEmpty extends Error {
  override readonly name = 'NotEmpty';
}
