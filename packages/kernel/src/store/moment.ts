import type { Moment, Piece } from '../core/archive.ts';
import { type Document, nameOf } from '../core/document.ts';
import type { IdempotencyRecord } from '../core/store.ts';
import type { Worker } from '../core/worker.ts';
import { batches, MOST_IN_PAGE } from './archive.ts';
import { savedName, savedRecord, taskOf } from './saved.ts';

/**
 * What was kept first of these records since a moment, by their names; null: there was none then. What has not changed is
 * not in it.
 */
export type KeptSince = (number: number, names: readonly string[]) => Promise<ReadonlyMap<string, string | null>>;

/**
 * A dump that is read while others go on, as it would have been at a moment. Each record is looked at before it is asked
 * what was kept of it: what had changed by the first look is kept by the second.
 */
export async function* asOf(pieces: AsyncIterable<Piece>, moment: Moment, keptSince: KeptSince): AsyncGenerator<Piece> {
  for await (const batch of batches(pieces, MOST_IN_PAGE)) {
    const names = batch.flatMap((piece) => nameOfPiece(piece, moment) ?? []);
    const kept: ReadonlyMap<string, string | null> =
      names.length === 0 ? new Map() : await keptSince(moment.number, names);
    for (const piece of batch) {
      if (piece.kind === 'entries') {
        const entries = piece.entries.filter(({ id }) => id <= moment.lastEntry);
        // The ledger comes last.
        if (entries.length === 0) return;
        yield { ...piece, entries };
      } else if (piece.kind === 'saved' && piece.number >= moment.number) {
        // It may have gone before it was looked at, or have come before; what this piece says may not be what was kept first.
        const name = nameOfPiece(piece, moment);
        const text = name === null ? null : kept.get(name);
        if (text != null) yield recordOf(name!, text);
      } else yield* asItWas(piece, kept, moment);
    }
  }
}

/**
 * What a piece's record is called, where it may have changed; null: it has not. Of what was kept since, only records that can
 * be gone: tasks and idempotency keys go with nothing but what must not happen meanwhile.
 */
function nameOfPiece(piece: Piece, { number, document }: Moment): string | null {
  if (piece.kind === 'task') return savedName('task', piece.task.id);
  if (piece.kind === 'worker') return savedName('worker', piece.worker.id);
  if (piece.kind === 'document') return savedName('document', nameOf(piece.document));
  if (piece.kind === 'key') return savedName('idempotency', piece.record.key);
  if (piece.kind !== 'saved' || piece.number < number) return null;
  const { kind, id } = savedRecord(piece.name);
  return kind === 'worker' || (kind === 'document' && id !== document) ? piece.name : null;
}

function* asItWas(piece: Piece, kept: ReadonlyMap<string, string | null>, moment: Moment): Iterable<Piece> {
  const { lastEntry, saving, document } = moment;
  if (piece.kind === 'head') return yield { ...piece, saving, contents: null };
  const own = savedName('document', document);
  if (piece.kind === 'saved' && piece.name === own) return;
  const name = nameOfPiece(piece, moment);
  if (name === own) return;
  if (piece.kind === 'removed') return yield { ...piece, history: upTo(lastEntry, piece.history) };
  const text = name === null ? undefined : kept.get(name);
  if (text === null) return;
  if (piece.kind === 'task') {
    const task = text === undefined ? piece.task : taskOf(text);
    if (task === null) return;
    return yield { ...piece, task, history: upTo(lastEntry, piece.history) };
  }
  yield text === undefined ? piece : recordOf(name!, text);
}

function upTo(last: number, history: readonly number[]): number[] {
  return history.filter((id) => id <= last);
}

function recordOf(name: string, text: string): Piece {
  const { kind } = savedRecord(name);
  if (kind === 'worker') return { kind, worker: JSON.parse(text) as Worker };
  if (kind === 'document') return { kind, document: JSON.parse(text) as Document };
  return { kind: 'key', record: JSON.parse(text) as IdempotencyRecord };
}
