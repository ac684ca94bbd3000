import type { Moment, Piece, SavedText } from '../core/archive.ts';
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
  const gone = new Gone(moment);
  for await (const batch of batches(pieces, MOST_IN_PAGE)) {
    const names = batch.flatMap((piece) => nameOfPiece(piece) ?? []);
    const kept: ReadonlyMap<string, string | null> =
      names.length === 0 ? new Map() : await keptSince(moment.number, names);
    for (const piece of batch) {
      if (piece.kind === 'entries') {
        const entries = piece.entries.filter(({ id }) => id <= moment.lastEntry);
        // The ledger comes last.
        if (entries.length === 0) return;
        yield { ...piece, entries };
      } else if (piece.kind === 'saved' && piece.number >= moment.number) yield* gone.take(piece);
      else yield* asItWas(piece, kept, moment);
    }
  }
}

/** What a piece's record is called, where it may have changed; null: it has not. */
function nameOfPiece(piece: Piece): string | null {
  if (piece.kind === 'task') return savedName('task', piece.task.id);
  if (piece.kind === 'worker') return savedName('worker', piece.worker.id);
  if (piece.kind === 'document') return savedName('document', nameOf(piece.document));
  return piece.kind === 'key' ? savedName('idempotency', piece.record.key) : null;
}

function* asItWas(piece: Piece, kept: ReadonlyMap<string, string | null>, moment: Moment): Iterable<Piece> {
  const { lastEntry, saving, document } = moment;
  if (piece.kind === 'head') return yield { ...piece, saving, contents: null };
  const own = savedName('document', document);
  if (piece.kind === 'saved' && piece.name === own) return;
  const name = nameOfPiece(piece);
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

/** Records that went before they were looked at: what was kept is all that is left of these. */
class Gone {
  readonly #document: string;
  readonly #met = new Set<string>();

  constructor({ document }: Moment) {
    this.#document = document;
  }

  /**
   * In the order of the numbers. Answers a record that may have gone, and may have come before. Tasks and idempotency keys
   * go with nothing but what must not happen meanwhile.
   */
  *take({ name, text }: SavedText): Iterable<Piece> {
    const { kind, id } = savedRecord(name);
    if ((kind !== 'worker' && kind !== 'document') || this.#met.has(name)) return;
    this.#met.add(name);
    if (text !== null && id !== this.#document) yield recordOf(name, text);
  }
}
