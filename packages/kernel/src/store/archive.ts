import { setImmediate as breathe } from 'node:timers/promises';
import { ARCHIVE_FORMATS, type Contents, type Head, type LedgerPiece, type Piece } from '../core/archive.ts';
import { lengthOf } from '../core/document.ts';
import type { ChainedEntry } from '../core/event.ts';
import type { Ledger, Verification } from '../core/store.ts';
import { sizeOf } from './task-size.ts';

/** What every store makes of an archive: it is read and written in batches, so that its size does not matter. */

/** How many records are read in one go: others want their turn in between. */
export const MOST_IN_PAGE = 100;
/** How many are written in one go, and about how many bytes are read or written. */
const MOST_IN_BATCH = 500;
export const BATCH_BYTES = 4 * 1024 * 1024;
/** As many as a row of the ledger holds. */
const MOST_ENTRIES = 128;
/** What a record takes up beside its large texts. */
const RECORD_BYTES = 500;

/** Why a store that was filled in part cannot be opened. */
export const INCOMPLETE =
  'a colony was moved here, and not all of it arrived: do it once more, with --force, which begins anew';

/** A store that is being filled. */
export interface Filling {
  /** Marks the store as incomplete; throws `NotEmpty` when it holds anything. */
  begin(): Promise<void>;
  write(batch: readonly Piece[]): Promise<void>;
  /** Everything has been written: works out what follows from it. */
  settle(): Promise<void>;
  contents(): Promise<Contents>;
  verify(): Promise<Verification>;
  /** Takes the mark away. */
  finish(): Promise<void>;
}

/** Fills a store, and lets it be used only when it holds what the archive said. */
export async function fill(pieces: AsyncIterable<Piece>, store: Filling): Promise<Contents> {
  await store.begin();
  let head: Head | undefined;
  for await (const batch of batches(pieces, MOST_IN_BATCH)) {
    head ??= headOf(batch[0]!);
    await store.write(batch);
  }
  if (!head) throw new Error('the archive is empty');
  await store.settle();
  const arrived = await store.contents();
  for (const [what, count] of Object.entries(head.contents ?? {}) as [keyof Contents, number | string][]) {
    if (arrived[what] !== count) throw new Error(`${NAMES[what]}: ${arrived[what]} arrived where ${count} were sent`);
  }
  const { valid, firstInvalidId } = await store.verify();
  if (!valid) throw new Error(`the ledger is not valid from entry ${firstInvalidId} on`);
  await store.finish();
  return arrived;
}

const NAMES: Readonly<Record<keyof Contents, string>> = {
  tasks: 'tasks',
  removed: 'removed tasks',
  workers: 'workers',
  documents: 'documents',
  keys: 'idempotency keys',
  saved: 'states kept for checkpoints',
  entries: 'ledger entries',
  head: 'the newest hash of the ledger',
};

function headOf(piece: Piece): Head {
  if (piece.kind !== 'head') throw new Error('the archive has no head');
  if (!ARCHIVE_FORMATS.includes(piece.format)) {
    throw new Error(`the archive has format ${piece.format}, this kernel knows ${ARCHIVE_FORMATS.join(' and ')}`);
  }
  return piece;
}

/** Few enough to be handled in one go, and never none. */
export async function* batches(pieces: AsyncIterable<Piece>, most: number): AsyncGenerator<readonly Piece[]> {
  let batch: Piece[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    batch.push(piece);
    bytes += bytesOf(piece);
    if (batch.length < most && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function bytesOf(piece: Piece): number {
  if (piece.kind === 'task') return RECORD_BYTES + sizeOf(piece.task) + piece.history.length * 8;
  if (piece.kind === 'saved') return RECORD_BYTES + (piece.text?.length ?? 0);
  if (piece.kind === 'document') return RECORD_BYTES + lengthOf(piece.document);
  if (piece.kind !== 'entries') return RECORD_BYTES;
  return piece.entries.reduce((bytes, { data }) => bytes + data.length + RECORD_BYTES, 0);
}

/** The ledger in pieces that may each become a row. It must be sealed. */
export async function* dumpLedger(ledger: Ledger): AsyncGenerator<LedgerPiece> {
  let after = (await ledger.span()).first - 1;
  for (;;) {
    const read = await ledger.read(after, 2 * MOST_ENTRIES);
    let entries: ChainedEntry[] = [];
    for (const entry of read) {
      if (entries.length === MOST_ENTRIES || (entries[0] && entries[0].at !== entry.at)) {
        yield { kind: 'entries', entries };
        entries = [];
      }
      entries.push(entry);
    }
    if (entries.length > 0) yield { kind: 'entries', entries };
    if (read.length < 2 * MOST_ENTRIES) return;
    after = read.at(-1)!.id;
    await breathe();
  }
}

export function historyText(ids: readonly number[]): string {
  return ids.map((id) => ` ${id}`).join('');
}
