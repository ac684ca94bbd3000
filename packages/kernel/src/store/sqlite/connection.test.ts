import { expect, onTestFinished, test } from 'vitest';
import { makeRoom, makeUsual, openDatabase } from './connection.ts';

test('there is more room for a large commit, and as much as ever after it', () => {
  const db = openDatabase(':memory:');
  onTestFinished(() => void db.close());
  const settings = () =>
    ['cache_size', 'wal_autocheckpoint'].map((name) => db.pragma(name, { simple: true }) as number);
  const [cache, log] = settings() as [number, number];
  makeRoom(db, false);
  expect(settings()).toEqual([16 * cache, 0]);
  makeUsual(db);
  expect(settings()).toEqual([cache, log]);
  // Not two in a row leave the log to others: it would grow as long as no small one comes.
  makeRoom(db, true);
  expect(settings()).toEqual([16 * cache, log]);
});
