import type { Document } from './document.ts';
import type { IdempotencyRecord } from './store.ts';
import type { Task, TaskStatus } from './task.ts';

/**
 * What a store keeps for checkpoints. A checkpoint is a number and copies nothing: the first time that a record changes
 * after it, what the record was until then is kept under that number.
 */

/**
 * Under which number that is at the moment; null: there is no checkpoint, and nothing is kept. Numbers only grow, and none
 * is used again. What `rolling` means is its writer's business: the store keeps it, and guards it as it does the number.
 */
export type Saving = { readonly number: number; readonly rolling: boolean } | null;

/** A record that may not be what it was at a checkpoint. */
export type Saved = SavedTask | SavedDocument | SavedKey;

interface Kept<T> {
  /** The number under which it is kept. */
  readonly number: number;
  /** What it was; null: there was none. */
  readonly saved: T | null;
  /** What it is; null: there is none. */
  readonly current: T | null;
}

export interface SavedTask extends Kept<Task> {
  readonly kind: 'task';
  readonly id: string;
  /** The highest it ever had, whatever has become of it since: what is brought back goes on from there. */
  readonly version: number;
  readonly leaseToken: number;
  /** Where it was, or is, not there: how it had ended, by what retention has left of it; null: it has never been. */
  readonly left: { readonly saved: TaskStatus | null; readonly current: TaskStatus | null };
}

export interface SavedDocument extends Kept<Document> {
  readonly kind: 'document';
  /** Its name: see `nameOf`. */
  readonly id: string;
}

export interface SavedKey extends Kept<IdempotencyRecord> {
  readonly kind: 'idempotency';
  /** The key. */
  readonly id: string;
}

export interface SavedQuery {
  /** The checkpoint: what is kept under this number or a later one. */
  readonly since: number;
  /** The `next` of the page before. */
  readonly after?: string | null;
  /** So many records are looked at, at the most. */
  readonly limit: number;
}

/** A page may hold fewer records than were asked for, even none, although there are more. */
export interface SavedPage {
  readonly items: readonly Saved[];
  /** Where the next page begins; null: this is the last one. */
  readonly next: string | null;
}
