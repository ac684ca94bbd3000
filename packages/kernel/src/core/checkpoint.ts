import type { Document } from './document.ts';
import type { JsonObject } from './json.ts';

/** A moment to which the colony can be taken back. It copies nothing: see `Saving`. */
export interface Checkpoint {
  readonly id: string;
  readonly label: string | null;
  /** Under which records are kept that change after it. */
  readonly number: number;
  readonly at: number;
  /** The ledger's entry that tells of it; 0 until that is known. */
  readonly eventId: number;
  /** A rollback to it is under way. */
  readonly rolling: Rolling | null;
  /** What the last few rollbacks to it came to, the newest last; absent: there has been none. */
  readonly rolled?: readonly Rolled[];
  /**
   * The colony is being exported as it was before it, until this wall time unless that is put off: so long nothing is removed
   * for good. 0: it is no more, and the checkpoint is to go. Null: it is an ordinary one.
   */
  readonly exporting: number | null;
}

export interface Rolling {
  /** The version of the checkpoint's document with which it was begun: tells it from others. */
  readonly begun: number;
  readonly actor: string;
  /** Null until they are counted: that is when nobody else changes anything any more, and nothing is taken back yet. */
  readonly figures: Figures | null;
}

export interface Rolled {
  readonly begun: number;
  readonly figures: Figures;
}

interface Changed {
  readonly restored: number;
  readonly removed: number;
}

/** What a rollback comes to. */
export interface Figures {
  readonly tasks: { readonly restored: number; readonly removed: number; readonly requeued: number };
  readonly votes: Changed;
  /** Absent in what was written down before there were any. */
  readonly plans?: Changed;
  readonly schedules?: Changed;
  readonly memory?: Changed;
}

export function checkpointFrom({ id, createdAt, body }: Document): Checkpoint {
  const rest = body as unknown as Omit<Checkpoint, 'id' | 'at'>;
  return { ...rest, exporting: rest.exporting ?? null, id, at: createdAt };
}

/** As it is kept. */
export function checkpointDocument({ id, at, ...body }: Checkpoint, version: number): Document {
  const fixed = { collection: 'checkpoint', id, version, state: '', createdAt: at } as const;
  return { ...fixed, dueAt: null, endedAt: null, body: { ...body } as unknown as JsonObject };
}

/** Where the highest number is kept while there is no checkpoint: none may ever be used again. */
export const NUMBERING = { collection: 'checkpoint_numbering', id: 'last' } as const;

export function checkpointNumbering(number: number, at: number, prev: Document | null): Document {
  const fixed = { ...NUMBERING, state: '', createdAt: at, dueAt: null, endedAt: null };
  return { ...fixed, version: (prev?.version ?? 0) + 1, body: { number } };
}
