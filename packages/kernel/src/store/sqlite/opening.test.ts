/** How a colony's file is opened: by one kernel alone, durable, private, and only if it is a colony. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import SqliteDatabase from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { StorageUnavailable } from '../../core/errors.ts';
import { Scribe } from '../../testing/scribe.ts';
import { temporaryPath } from '../../testing/temporary-path.ts';
import { openDatabase } from './connection.ts';
import { SqliteStore } from './store.ts';

async function opened(path: string): Promise<SqliteStore> {
  const store = await SqliteStore.open({ path });
  onTestFinished(() => store.close());
  return store;
}

/** Changes the file as some other program might. */
function meddle(path: string, sql: string): void {
  const db = new SqliteDatabase(path);
  db.exec(sql);
  db.close();
}

function asked(path: string, sql: string): unknown {
  const db = new SqliteDatabase(path, { readonly: true });
  const value = db.prepare(sql).pluck().get();
  db.close();
  return value;
}

test('a second kernel in the same process is refused, with what to do about it', async () => {
  const path = temporaryPath('colony.db');
  await opened(path);
  await expect(SqliteStore.open({ path })).rejects.toThrow(
    /another kernel is already running on .*colony\.db; stop it/,
  );
});

test('a second kernel is refused by whatever name it knows the file', async () => {
  const path = temporaryPath('colony.db');
  await opened(path);
  symlinkSync(path, `${path}-link`);
  await expect(SqliteStore.open({ path: `${path}-link` })).rejects.toThrow(/another kernel is already running/);
});

test('a kernel in another process is refused while the first one lives, and welcome afterwards', async () => {
  const path = temporaryPath('colony.db');
  const store = await opened(path);
  const script = `
    const { SqliteStore } = await import(${JSON.stringify(fileURLToPath(new URL('./store.ts', import.meta.url)))});
    const answer = await SqliteStore.open({ path: ${JSON.stringify(path)} }).then((store) => store.close(), String);
    console.log(answer ?? 'opened');`;
  const other = async () =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])).stdout.trim();
  expect(await other()).toMatch(/another kernel is already running/);
  await store.close();
  expect(await other()).toBe('opened');
});

test('the lock does not keep other programs from reading', async () => {
  const path = temporaryPath('colony.db');
  await new Scribe(await opened(path)).add();
  const db = new SqliteDatabase(path, { readonly: true });
  expect(db.prepare('SELECT count(*) FROM tasks').pluck().get()).toBe(1);
  db.close();
});

test('invariant 1: every open has a write-ahead log and full synchronisation', () => {
  const path = temporaryPath('colony.db');
  for (let time = 1; time <= 2; time++) {
    const db = openDatabase(path);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    db.close();
    meddle(path, 'PRAGMA journal_mode = DELETE');
  }
});

test('the file and everything beside it are for their owner alone, and so is a folder that is made', async () => {
  const path = join(dirname(temporaryPath('x')), 'deep', '.colony', 'colony.db');
  await new Scribe(await opened(path)).add();
  const mode = (one: string) => (statSync(one).mode & 0o777).toString(8);
  const files = readdirSync(dirname(path));
  expect(files).toEqual(expect.arrayContaining(['colony.db', 'colony.db-wal', 'colony.db.lock']));
  for (const name of files) expect([name, mode(join(dirname(path), name))]).toEqual([name, '600']);
  expect(mode(dirname(path))).toBe('700');
});

test('a folder that exists keeps its mode', async () => {
  const folder = join(dirname(temporaryPath('x')), 'shared');
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  await opened(join(folder, 'colony.db'));
  expect(statSync(folder).mode & 0o777).toBe(0o755);
});

test('a database of a later schema is refused and left alone', async () => {
  const path = temporaryPath('colony.db');
  await (await SqliteStore.open({ path })).close();
  meddle(path, 'PRAGMA user_version = 4711');
  await expect(SqliteStore.open({ path })).rejects.toThrow(/schema version 4711.* start a newer kernel/);
});

test('a database of somebody else is refused and left alone', async () => {
  const path = temporaryPath('other.db');
  meddle(path, 'CREATE TABLE songs (title TEXT)');
  const before = readFileSync(path);
  await expect(SqliteStore.open({ path })).rejects.toThrow(/is a database, but not a colony/);
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(readdirSync(dirname(path))).toEqual(['other.db']);
});

test('a file that is no database is refused and left alone', async () => {
  const path = temporaryPath('notes.txt');
  writeFileSync(path, 'Dear diary, '.repeat(1000));
  await expect(SqliteStore.open({ path })).rejects.toThrow(/not a database/);
  expect(readFileSync(path, 'utf8')).toMatch(/^Dear diary/);
});

test('what is not a file is refused, and nothing is left beside it', async () => {
  const folder = join(dirname(temporaryPath('x')), 'folder');
  mkdirSync(folder);
  await expect(SqliteStore.open({ path: folder })).rejects.toThrow('it is not a file');
  expect(readdirSync(dirname(folder))).toEqual(['folder']);
});

test('a folder that cannot be made is an error, also where the system makes none', async () => {
  const path = join(dirname(temporaryPath('x')), 'a file', 'colony.db');
  writeFileSync(dirname(path), '');
  await expect(SqliteStore.open({ path })).rejects.toThrow(/ENOTDIR|EEXIST/);
  await expect(SqliteStore.open({ path: '/proc/nowhere/colony.db' })).rejects.toThrow(/ENOENT|EACCES|EPERM|EROFS/);
});

test('a refused file can be opened once the reason is gone', async () => {
  const path = temporaryPath('colony.db');
  await (await SqliteStore.open({ path })).close();
  const version = asked(path, 'PRAGMA user_version');
  meddle(path, 'PRAGMA user_version = 4711');
  await expect(SqliteStore.open({ path })).rejects.toThrow();
  meddle(path, `PRAGMA user_version = ${version}`);
  await opened(path);
});

test('a closed store stays closed, whatever is asked of it', async () => {
  const store = await SqliteStore.open({ path: temporaryPath('colony.db') });
  await store.close();
  await store.close();
  await expect(store.survey()).rejects.toThrow(StorageUnavailable);
  await expect(store.probe()).rejects.toThrow(StorageUnavailable);
  await expect(store.commit([], 0)).rejects.toThrow(StorageUnavailable);
});

test('a healthy store passes its probe', async () => {
  const store = await opened(temporaryPath('colony.db'));
  await store.probe();
  await new Scribe(store).add();
});
