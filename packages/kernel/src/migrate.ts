import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Contents, NotEmpty, type Piece } from './core/archive.ts';
import type { Store } from './core/store.ts';
import { about, nameOf, type Opened, open, type Place } from './migrate-place.ts';

export interface Move {
  readonly from: Place;
  readonly to: Place;
  /** Whether to begin anew where an earlier move was not finished. */
  readonly force: boolean;
  /** Told, a line at a time, how far it has come. */
  readonly tell: (line: string) => void;
}

/** How long a long move says nothing. */
const TELL_EVERY_MS = 1000;

/**
 * Copies a colony from one place to an empty one and checks what has arrived; the source stays as it is. Throws an Error
 * with a sentence that names the place when it cannot be done; a target that was written to cannot be opened by a
 * kernel then.
 */
export async function migrate({ from, to, force, tell }: Move): Promise<Contents> {
  if (identity(from) === identity(to)) throw new Error(`${nameOf(from)} cannot be moved onto itself`);
  if (from.kind === 'sqlite' && !existsSync(from.path)) throw new Error(`${nameOf(from)}: there is no such file`);
  const source = await open(from, false);
  try {
    tell(`verifying the ledger of ${nameOf(from)}`);
    await assertSound(source.store, from);
    const target = await open(to, force);
    try {
      return await copy(source, target.store, { from, to, tell });
    } finally {
      await target.store.close();
    }
  } finally {
    await source.store.close();
  }
}

async function assertSound(store: Store, place: Place): Promise<void> {
  const { valid, entries, firstInvalidId } = await store.ledger.verify().catch((fault) => {
    throw about(place, fault);
  });
  if (!valid) throw about(place, new Error(`its ledger is not valid from entry ${firstInvalidId} on`));
  // A kernel that starts says so: where there is no entry, none ever has.
  if (entries === 0) throw about(place, new Error('there is no colony'));
}

async function copy(source: Opened, target: Store, move: Omit<Move, 'force'>): Promise<Contents> {
  const { from, to, tell } = move;
  let contents: Contents;
  try {
    contents = await target.restore(passing(source, move));
  } catch (fault) {
    if (fault instanceof NotEmpty) throw about(to, fault);
    const { message } = fault as Error;
    throw new Error(`${message}; what has arrived at ${nameOf(to)} is incomplete: begin anew with --force`);
  }
  const [there, here] = [await source.store.ledger.span(), await target.ledger.span()];
  if (there.hash !== here.hash) throw new Error(`${nameOf(from)} and ${nameOf(to)} have different ledgers`);
  tell(`verified ${nameOf(to)}`);
  return contents;
}

/** The pieces on their way, counted. */
async function* passing(source: Opened, { from, to, tell }: Omit<Move, 'force'>): AsyncGenerator<Piece> {
  let done = 0;
  let total = 0;
  let toldAt = performance.now();
  for await (const piece of source.store.dump()) {
    if (piece.kind === 'head') {
      const { tasks, removed, workers, documents, keys, saved, entries } = piece.contents!;
      total = tasks + removed + workers + documents + keys + saved + entries;
      tell(`moving ${total} records from ${nameOf(from)} to ${nameOf(to)}`);
    } else done += piece.kind === 'entries' ? piece.entries.length : 1;
    if (performance.now() - toldAt >= TELL_EVERY_MS) {
      tell(`${done} of ${total} records`);
      toldAt = performance.now();
    }
    yield piece;
  }
  if (!(await source.isUndisturbed())) {
    throw about(from, new Error('a kernel was started there meanwhile; stop it'));
  }
  tell(`verifying ${nameOf(to)}`);
}

/** Equal for the same place by the same name; two names of one place are found out by what it holds. */
function identity(place: Place): string {
  if (place.kind === 'redis') return `${place.url} ${place.colony}`;
  return existsSync(place.path) ? realpathSync(place.path) : resolve(place.path);
}
