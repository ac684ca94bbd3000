import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { VARIABLES } from './config.ts';
import { withoutPassword } from './config-values.ts';
import { type Contents, NotEmpty, type Piece } from './core/archive.ts';
import type { Store } from './core/store.ts';
import { RedisStore } from './store/redis/store.ts';
import { SqliteStore } from './store/sqlite/store.ts';

/** Where a colony lives: in a SQLite file, or under a name on a Redis. */
export type Place =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'redis'; readonly url: string; readonly colony: string };

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

/** Throws an Error with a sentence when the text names no place. */
export function placeOf(text: string, colony: () => string): Place {
  if (VARIABLES.messageQueueUrl.parse(text) !== undefined && URL.canParse(text)) {
    return { kind: 'redis', url: text, colony: colony() };
  }
  if (text.trim() === '' || text === ':memory:' || /^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    throw new Error(
      `${JSON.stringify(withoutPassword(text))} is neither the path of a SQLite file nor redis://host:port`,
    );
  }
  return { kind: 'sqlite', path: text };
}

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

interface Opened {
  readonly store: Store;
  /** Whether no kernel has been there since it was opened. */
  isUndisturbed(): Promise<boolean>;
}

async function open(place: Place, clear: boolean): Promise<Opened> {
  try {
    if (place.kind === 'sqlite') {
      const store = await SqliteStore.open({ path: place.path, clear });
      // Its lock keeps kernels out.
      return { store, isUndisturbed: async () => true };
    }
    const store = await RedisStore.openAlone({ url: place.url, colony: place.colony, clear });
    return { store, isUndisturbed: () => store.isUndisturbed() };
  } catch (fault) {
    throw about(place, fault);
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

function about(place: Place, fault: unknown): Error {
  return new Error(`${nameOf(place)}: ${(fault as Error).message}`, { cause: fault });
}

function nameOf(place: Place): string {
  return place.kind === 'sqlite' ? place.path : `colony ${place.colony} on ${withoutPassword(place.url)}`;
}

/** Equal for the same place by the same name; two names of one place are found out by what it holds. */
function identity(place: Place): string {
  if (place.kind === 'redis') return `${place.url} ${place.colony}`;
  return existsSync(place.path) ? realpathSync(place.path) : resolve(place.path);
}
