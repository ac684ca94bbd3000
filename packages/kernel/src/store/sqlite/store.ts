import { setImmediate as breathe } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import type { Contents, Moment, Piece } from '../../core/archive.ts';
import type { Now } from '../../core/clock.ts';
import type { Collection, Document } from '../../core/document.ts';
import { StorageUnavailable } from '../../core/errors.ts';
import type { MemoryFound, MemorySearch } from '../../core/memory-search.ts';
import type { SavedPage, SavedQuery, Saving } from '../../core/saved.ts';
import type {
  CommitLimits,
  Committed,
  DocumentQuery,
  Due,
  Ledger,
  Loaded,
  NamedQuery,
  Needs,
  Page,
  QueueRank,
  Retention,
  Store,
  Survey,
  TaskQuery,
  Unit,
} from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { fill, INCOMPLETE } from '../archive.ts';
import { asOf } from '../moment.ts';
import { versionOf } from '../units.ts';
import { clear, dump, isIncomplete, SqliteFilling } from './archive.ts';
import { type Lock, lockColony, openDatabase } from './connection.ts';
import { Documents } from './documents.ts';
import { SqliteLedger } from './ledger-reader.ts';
import { Loader } from './loader.ts';
import { type Room, roomOf } from './memory-reader.ts';
import { Mirror } from './mirror.ts';
import { Queries } from './queries.ts';
import { Removed } from './removed.ts';
import { prune } from './retention.ts';
import { SavedStates } from './saved.ts';
import { type Searches, SearchesHere, SearchesOnThread } from './searches.ts';
import { Writer } from './writer.ts';

export interface SqliteOptions {
  readonly path: string;
  readonly clear?: boolean;
  /** How much of this process's memory searches may keep, in bytes. */
  readonly searchBytes?: number | undefined;
}

/**
 * The embedded store: one SQLite file, one writer. Statements run on the calling thread; what makes it fast is that
 * a commit takes everything that waits. Any failure of the database closes it to further use until `probe` has opened
 * it anew and seen a write reach the disk.
 */
export class SqliteStore implements Store {
  /** One writer: a second process on the file is refused. */
  readonly fellows = null;
  readonly durability: string;
  readonly #path: string;
  readonly #lock: Lock;
  readonly #room: Room;
  #parts: Parts | null;
  /** Why nothing may be written; null when all is well. */
  #broken: string | null = null;
  /** What the open database believes to be on disk may not be there. */
  #mistrusted = false;
  #closed = false;

  /**
   * Opens a colony's file, making it where there is none (`:memory:` keeps nothing). Throws an Error with a sentence
   * for people when another kernel uses it, it is no colony, it is newer than this kernel, or only a part of a colony
   * was moved into it; with `clear`, such a part is removed instead.
   */
  static async open(options: SqliteOptions): Promise<SqliteStore> {
    const lock = lockColony(options.path);
    try {
      return new SqliteStore(options, lock);
    } catch (error) {
      lock.undo();
      throw error;
    }
  }

  private constructor({ path, clear = false, searchBytes }: SqliteOptions, lock: Lock) {
    this.durability =
      path === ':memory:'
        ? 'Everything is kept in memory and lost when the kernel stops.'
        : 'SQLite writes every commit to disk before it is answered (WAL, synchronous FULL).';
    this.#path = path;
    this.#lock = lock;
    this.#room = roomOf(searchBytes);
    this.#parts = new Parts(openComplete(path, clear), path, this.#room);
  }

  async load(needs: Needs): Promise<Loaded> {
    return this.#use((parts) => parts.loader.load(needs));
  }

  async commit(units: readonly Unit[], at: number, limits: CommitLimits = {}): Promise<Committed> {
    this.#refuseIfBroken();
    return this.#use((parts) => {
      this.#refuseStrays(parts);
      return parts.writer.commit(units, at, limits);
    });
  }

  async survey(): Promise<Survey> {
    return this.#use(({ mirror: { counts: tasks, attempts, busyLanes: lanes, lastKey, saving } }) => ({
      tasks,
      attempts,
      tokenFloor: 0,
      epoch: null,
      lanes,
      mark: null,
      lastKey,
      saving,
    }));
  }

  async task(id: string): Promise<Task | null> {
    return this.#use((parts) => parts.loader.task(id));
  }

  async tasks(query: TaskQuery): Promise<Page<Task>> {
    return this.#use((parts) => parts.queries.tasks(query));
  }

  async worker(id: string): Promise<Worker | null> {
    return this.#use((parts) => parts.mirror.workers.get(id) ?? null);
  }

  async workers(): Promise<readonly Worker[]> {
    return this.#use((parts) => [...parts.mirror.workers.values()]);
  }

  async document(collection: Collection, id: string): Promise<Document | null> {
    return this.#use((parts) => parts.documents.one(collection, id));
  }

  async documents(query: DocumentQuery): Promise<Page<Document>> {
    return this.#use((parts) => parts.documents.list(query));
  }

  async documentsNamed(query: NamedQuery): Promise<Page<Document>> {
    return this.#use((parts) => parts.documents.listNamed(query));
  }

  async search(query: MemorySearch): Promise<MemoryFound> {
    const { searches } = this.#use((parts) => parts);
    try {
      return await searches.search(query);
    } catch (error) {
      throw isDatabaseError(error) ? this.#unavailable(error) : error;
    }
  }

  async due(now: Now, limit: number): Promise<Due> {
    return this.#use((parts) => parts.queries.due(now, limit));
  }

  async oldestQueued(): Promise<number | null> {
    return this.#use((parts) => parts.queries.oldestQueued());
  }

  async position(place: QueueRank): Promise<number> {
    return this.#use((parts) => parts.queries.position(place));
  }

  get ledger(): Ledger {
    const { ledger } = this.#use((parts) => parts);
    const ask = <T>(answer: Promise<T>) => answer.catch((error: unknown) => this.#rethrow(error, ledger));
    return {
      span: () => ask(ledger.span()),
      seal: () => ask(ledger.seal()),
      read: (after, limit) => ask(ledger.read(after, limit)),
      query: (query) => ask(ledger.query(query)),
      verify: () => ask(ledger.verify()),
    };
  }

  /** Long answers are read a piece at a time: the database may fail or be closed in between. */
  #rethrow(error: unknown, ledger: SqliteLedger): never {
    if (this.#parts?.ledger !== ledger) throw new StorageUnavailable(this.#broken ?? 'the database was opened anew');
    throw isDatabaseError(error) ? this.#unavailable(error) : error;
  }

  async prune(before: Retention, limit: number, saving?: Saving): Promise<number> {
    this.#refuseIfBroken();
    return this.#use((parts) => (savesOtherwise(parts, saving) ? 0 : prune(parts, before, limit)));
  }

  async saved(query: SavedQuery): Promise<SavedPage> {
    // Whoever reads page after page, and writes in between, may not keep all others waiting until the last one.
    await breathe();
    return this.#use((parts) => parts.saved.page(query, parts.loader));
  }

  async forgetSaved(below: number, limit: number, saving?: Saving): Promise<number> {
    this.#refuseIfBroken();
    return this.#use((parts) => {
      const { db, saved, removed, mirror } = parts;
      if (savesOtherwise(parts, saving)) return 0;
      const forget = db.transaction(() => {
        const { gone, tasks } = saved.forget(below, limit);
        removed.forget(tasks, mirror.ledger.first);
        return gone;
      });
      return forget.immediate();
    });
  }

  async *dump(moment?: Moment): AsyncGenerator<Piece> {
    const parts = this.#use((open) => open);
    try {
      const pieces = dump(parts, moment === undefined);
      yield* moment ? asOf(pieces, moment, async (number, names) => parts.saved.since(number, names)) : pieces;
    } catch (error) {
      this.#rethrow(error, parts.ledger);
    }
  }

  async restore(pieces: AsyncIterable<Piece>): Promise<Contents> {
    this.#refuseIfBroken();
    try {
      const { db, searches } = this.#use((parts) => parts);
      const arrived = await fill(pieces, new SqliteFilling(db));
      await searches.close();
      this.#parts = new Parts(db, this.#path, this.#room);
      return arrived;
    } catch (error) {
      throw isDatabaseError(error) ? this.#unavailable(error) : error;
    }
  }

  /**
   * Makes a small write durable, and with that the store usable again. After anything worse than a full disk the
   * database is first opened anew and its write-ahead log moved into it, so that nothing rests on pages whose
   * synchronisation once failed.
   */
  async probe(): Promise<void> {
    if (this.#mistrusted && !this.#closed && this.#path !== ':memory:') await this.#reopen();
    this.#use(({ db }) => {
      db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('probed', ?)").run(Date.now());
    });
    this.#broken = null;
    this.#mistrusted = false;
  }

  async #reopen(): Promise<void> {
    try {
      const parts = this.#parts;
      this.#parts = null;
      await parts?.searches.close();
      parts?.db.close();
      this.#parts = openAnew(this.#path, this.#room);
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  async close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = null;
    this.#broken = 'the store is closed';
    this.#closed = true;
    // Whoever closes the database last moves the log into it, which no reader can.
    await parts?.searches.close();
    parts?.db.close();
    this.#lock.release();
  }

  /** Once a write has failed nothing is written until one is known to work again. Reading may go on. */
  #refuseIfBroken(): void {
    if (this.#broken !== null) throw new StorageUnavailable(this.#broken);
  }

  /** Behind entries that were slipped in nothing can be written; looked for once, before the first commit. */
  #refuseStrays(parts: Parts): void {
    if (parts.isWhole) return;
    const stray = parts.ledger.stray();
    if (stray !== undefined) {
      throw new StorageUnavailable(
        `the ledger in ${this.#path} holds an entry ${stray} that no kernel wrote: restore the file from a copy`,
      );
    }
    parts.isWhole = true;
  }

  #use<T>(use: (parts: Parts) => T): T {
    if (!this.#parts) throw new StorageUnavailable(this.#broken ?? 'the store is closed');
    try {
      return use(this.#parts);
    } catch (error) {
      throw isDatabaseError(error) ? this.#unavailable(error) : error;
    }
  }

  #unavailable(error: unknown): StorageUnavailable {
    const { code, message } = error as { code?: string; message: string };
    const isFull = code === 'SQLITE_FULL';
    this.#broken = isFull ? 'the disk is full' : `the database fails: ${message}`;
    this.#mistrusted ||= !isFull;
    return new StorageUnavailable(this.#broken, { cause: error });
  }
}

function openComplete(path: string, clearing: boolean): Database {
  const db = openDatabase(path);
  try {
    if (isIncomplete(db)) {
      if (!clearing) throw new Error(INCOMPLETE);
      clear(db);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Nobody else writes: what is so now is so until what is done at once is done. */
function savesOtherwise({ mirror }: Parts, saving: Saving | undefined): boolean {
  return saving !== undefined && versionOf(saving) !== versionOf(mirror.saving);
}

function openAnew(path: string, room: Room): Parts {
  const db = openDatabase(path);
  try {
    db.pragma('wal_checkpoint(TRUNCATE)');
    return new Parts(db, path, room);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A constraint that fails is a bug in the kernel, not a broken database. */
function isDatabaseError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^SQLITE_(?!CONSTRAINT|MISUSE|RANGE|ERROR$)/.test(code);
}

/** Everything that works on one open database. */
class Parts {
  /** The ledger is known to end where it should. */
  isWhole = false;
  readonly db: Database;
  readonly mirror: Mirror;
  readonly documents: Documents;
  readonly removed: Removed;
  readonly saved: SavedStates;
  readonly loader: Loader;
  readonly writer: Writer;
  readonly queries: Queries;
  readonly ledger: SqliteLedger;
  readonly searches: Searches;

  constructor(db: Database, path: string, room: Room) {
    this.db = db;
    this.mirror = new Mirror(db);
    this.documents = new Documents(db);
    this.removed = new Removed(db);
    this.saved = new SavedStates(db);
    this.loader = new Loader(db, this.mirror, this.documents, this.removed);
    this.writer = new Writer(this);
    this.queries = new Queries(db, this.mirror, this.documents);
    this.ledger = new SqliteLedger(db, this.mirror.ledger);
    this.searches = path === ':memory:' ? new SearchesHere(db, room) : new SearchesOnThread(path, room);
  }
}
