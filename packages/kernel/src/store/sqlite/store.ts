import type { Database } from 'better-sqlite3';
import type { Now } from '../../core/clock.ts';
import { StorageUnavailable } from '../../core/errors.ts';
import type {
  Committed,
  Counts,
  Due,
  Lane,
  Ledger,
  Loaded,
  Needs,
  Page,
  Retention,
  Store,
  TaskQuery,
  Unit,
} from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { lockColony, openDatabase } from './connection.ts';
import { SqliteLedger } from './ledger-reader.ts';
import { Loader } from './loader.ts';
import { Mirror } from './mirror.ts';
import { Queries } from './queries.ts';
import { prune } from './retention.ts';
import { Writer } from './writer.ts';

/**
 * The embedded store: one SQLite file, one writer. Statements run on the calling thread; what makes it fast is that
 * a commit takes everything that waits. Any failure of the database closes it to further use until `probe` has opened
 * it anew and seen a write reach the disk.
 */
export class SqliteStore implements Store {
  readonly #path: string;
  readonly #unlock: () => void;
  #parts: Parts | null;
  /** Why the store cannot be used; null when it can. */
  #broken: string | null = null;

  /**
   * Opens a colony's file, making it where there is none (`:memory:` keeps nothing). Throws an Error with a sentence
   * for people when another kernel uses it, it is no colony, or it is newer than this kernel.
   */
  static async open({ path }: { path: string }): Promise<SqliteStore> {
    const unlock = lockColony(path);
    try {
      return new SqliteStore(path, unlock);
    } catch (error) {
      unlock();
      throw error;
    }
  }

  private constructor(path: string, unlock: () => void) {
    this.#path = path;
    this.#unlock = unlock;
    this.#parts = new Parts(openDatabase(path));
  }

  async load(needs: Needs): Promise<Loaded> {
    return this.#use((parts) => parts.loader.load(needs));
  }

  async commit(units: readonly Unit[], at: number): Promise<Committed> {
    return this.#use((parts) => parts.writer.commit(units, at));
  }

  async lanes(): Promise<ReadonlyMap<string, Lane>> {
    return this.#use((parts) => parts.mirror.busyLanes);
  }

  async counts(): Promise<Counts> {
    return this.#use((parts) => ({ tasks: parts.mirror.counts }));
  }

  async task(id: string): Promise<Task | null> {
    const task = this.#use((parts) => parts.loader.task(id));
    return task && 'removed' in task ? null : task;
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

  async due(now: Now, limit: number): Promise<Due> {
    return this.#use((parts) => parts.queries.due(now, limit));
  }

  async oldestQueued(): Promise<number | null> {
    return this.#use((parts) => parts.queries.oldestQueued());
  }

  get ledger(): Ledger {
    return this.#use((parts) => parts.ledger);
  }

  async prune(before: Retention, limit: number): Promise<number> {
    return this.#use((parts) => prune(parts.db, parts.mirror, before, limit));
  }

  /**
   * Opens the database anew if it is broken, moves the write-ahead log into it (so that nothing rests on pages whose
   * synchronisation once failed) and makes a small write durable.
   */
  async probe(): Promise<void> {
    if (this.#broken !== null && this.#path !== ':memory:') this.#reopen();
    this.#use(({ db }) => {
      db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('probed', ?)").run(Date.now());
    });
  }

  #reopen(): void {
    try {
      this.#parts?.db.close();
      this.#parts = null;
      const db = openDatabase(this.#path);
      db.pragma('wal_checkpoint(TRUNCATE)');
      this.#parts = new Parts(db);
      this.#broken = null;
    } catch (error) {
      throw this.#unavailable(error);
    }
  }

  async close(): Promise<void> {
    this.#parts?.db.close();
    this.#parts = null;
    this.#broken = 'the store is closed';
    this.#unlock();
  }

  #use<T>(use: (parts: Parts) => T): T {
    if (this.#broken !== null || !this.#parts) throw new StorageUnavailable(this.#broken ?? 'the store is closed');
    try {
      return use(this.#parts);
    } catch (error) {
      throw isDatabaseError(error) ? this.#unavailable(error) : error;
    }
  }

  #unavailable(error: unknown): StorageUnavailable {
    const { code, message } = error as { code?: string; message: string };
    this.#broken = code === 'SQLITE_FULL' ? 'the disk is full' : `the database fails: ${message}`;
    return new StorageUnavailable(this.#broken, { cause: error });
  }
}

/** A constraint that fails is a bug in the kernel, not a broken database. */
function isDatabaseError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^SQLITE_(?!CONSTRAINT|MISUSE|RANGE|ERROR$)/.test(code);
}

/** Everything that works on one open database. */
class Parts {
  readonly db: Database;
  readonly mirror: Mirror;
  readonly loader: Loader;
  readonly writer: Writer;
  readonly queries: Queries;
  readonly ledger: SqliteLedger;

  constructor(db: Database) {
    this.db = db;
    this.mirror = new Mirror(db);
    this.loader = new Loader(db, this.mirror);
    this.writer = new Writer(db, this.mirror);
    this.queries = new Queries(db, this.mirror);
    this.ledger = new SqliteLedger(db, this.mirror.ledger);
  }
}
