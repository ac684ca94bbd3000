import { closeSync, existsSync, mkdirSync, openSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { migrate, refuseOthers } from './migrations.ts';

/** Larger than usual: a commit appends to many tables at once, and pays for each page. Takes effect in a new file. */
const PAGE_BYTES = 8192;
/** 16 MiB of log before it is moved into the file: pages that change again and again are moved once. */
const CHECKPOINT_PAGES = 2000;
/** Small: every commit looks through all of it, and the operating system keeps the file in memory anyway. */
const CACHE_KIB = 4 * 1024;
/** What a large commit changes should fit in, or it is written to the log twice. */
const LARGE_CACHE_KIB = 64 * 1024;

/** Opens (or makes) a colony's file, durable and up to date. Throws with a sentence when it cannot be that. */
export function openDatabase(path: string): Database {
  if (path !== ':memory:') makePrivate(path);
  const db = new SqliteDatabase(path, { timeout: 2000 });
  try {
    refuseOthers(db);
    db.pragma(`page_size = ${PAGE_BYTES}`);
    makeDurable(db, path === ':memory:');
    makeUsual(db);
    db.pragma('temp_store = MEMORY');
    db.pragma('trusted_schema = OFF');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** For ordinary commits. */
export function makeUsual(db: Database): void {
  db.pragma(`cache_size = -${CACHE_KIB}`);
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

/**
 * For a large commit. To move the log into the file is left to the one that follows, so that others are served between.
 * @param wasLarge the one before has left it already
 */
export function makeRoom(db: Database, wasLarge: boolean): void {
  db.pragma(`cache_size = -${LARGE_CACHE_KIB}`);
  if (!wasLarge) db.pragma('wal_autocheckpoint = 0');
}

/** Asks for a write-ahead log and full synchronisation, at every open, and believes only what it reads back. */
function makeDurable(db: Database, inMemory: boolean): void {
  const mode = db.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal' && !inMemory) throw new Error(`SQLite answers journal_mode "${mode}" where "wal" is needed`);
  db.pragma('synchronous = FULL');
  const synchronous = db.pragma('synchronous', { simple: true });
  if (synchronous !== 2) throw new Error(`SQLite answers synchronous ${synchronous} where 2 (FULL) is needed`);
}

/** What the kernel keeps is for its owner alone, from its first moment. What exists already is left as it is. */
function makePrivate(path: string): void {
  makeFolder(dirname(path));
  closeSync(openSync(path, 'a', 0o600));
}

/** One level at a time: asked for all at once, Node tries for ever where the system makes no folders (below /proc). */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/**
 * Makes this process the colony's only one. The lock is an SQLite lock on a file of its own beside the database, so
 * the system drops it with the process, however that ends, and other programs may still read the database.
 */
export function lockColony(path: string): Lock {
  if (path === ':memory:') return { release: () => undefined, undo: () => undefined };
  if (existsSync(path) && !statSync(path).isFile()) throw new Error('it is not a file');
  // By whatever name: a link leads to the same colony.
  const lockPath = `${existsSync(path) ? realpathSync(path) : path}.lock`;
  const isNew = !existsSync(lockPath);
  makePrivate(lockPath);
  const lock = new SqliteDatabase(lockPath, { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new Error(`another kernel is already running on ${path}; stop it first, or give this one a file of its own`);
  }
  return {
    release: () => lock.close(),
    undo: () => {
      lock.close();
      if (isNew) rmSync(lockPath, { force: true });
    },
  };
}

export interface Lock {
  release(): void;
  /** Releases it and leaves nothing behind: the file turned out to be no colony's. */
  undo(): void;
}
