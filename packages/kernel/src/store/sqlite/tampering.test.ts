/** invariant 11: changing, dropping, reordering, adding or cutting off entries is found. */
import { closeSync, openSync, writeSync } from 'node:fs';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { chainHash } from '../../core/chain.ts';
import { StorageUnavailable } from '../../core/errors.ts';
import { about, Scribe } from '../../testing/scribe.ts';
import { fill } from '../../testing/store-conformance/ledger.ts';
import { temporaryPath } from '../../testing/temporary-path.ts';
import { SqliteStore } from './store.ts';

/** Ten entries in five rows, then somebody with access to the file, then a kernel that starts on it. */
async function afterTampering(tamper: (db: Database) => void): Promise<SqliteStore> {
  const path = temporaryPath('colony.db');
  const store = await SqliteStore.open({ path });
  await fill(new Scribe(store), 10, 2);
  await store.close();
  const db = new SqliteDatabase(path);
  tamper(db);
  db.close();
  const again = await SqliteStore.open({ path });
  onTestFinished(() => again.close());
  return again;
}

function row(db: Database, last: number): { entries: string; hashes: Buffer } {
  return db.prepare('SELECT entries, hashes FROM ledger WHERE last_id = ?').get(last) as never;
}

function put(db: Database, last: number, { entries, hashes }: { entries: string; hashes: Buffer }): void {
  db.prepare('UPDATE ledger SET entries = ?, hashes = ? WHERE last_id = ?').run(entries, hashes, last);
}

/** A row with a third entry, chained as the kernel would chain it. */
function forged(db: Database): { line: string; hash: Buffer } {
  const { entries, hashes } = row(db, 10);
  const line = entries.split('\n')[1]!.replace('"id":10', '"id":11');
  return { line, hash: Buffer.from(chainHash(hashes.toString('hex', 32), line), 'hex') };
}

const DEEDS: readonly (readonly [deed: string, firstInvalid: number, tamper: (db: Database) => void])[] = [
  ['a word is changed', 5, (db) => db.exec("UPDATE ledger SET entries = replace(entries, 't5', 'tX')")],
  ['a time is changed', 6, (db) => put(db, 6, { ...row(db, 6), entries: later(row(db, 6).entries) })],
  [
    'an actor is changed',
    3,
    (db) =>
      db.exec(`UPDATE ledger SET entries = replace(entries, '"actor":"kernel"', '"actor":"queen"') WHERE last_id = 4`),
  ],
  [
    'a stored hash is changed',
    4,
    (db) => {
      const { entries, hashes } = row(db, 4);
      hashes.writeUInt8(hashes.readUInt8(40) ^ 1, 40);
      put(db, 4, { entries, hashes });
    },
  ],
  ['a row is dropped', 5, (db) => db.exec('DELETE FROM ledger WHERE last_id = 6')],
  ['the beginning is dropped', 1, (db) => db.exec('DELETE FROM ledger WHERE last_id <= 4')],
  ['the end is cut off', 9, (db) => db.exec('DELETE FROM ledger WHERE last_id = 10')],
  ['everything is dropped', 1, (db) => db.exec('DELETE FROM ledger')],
  [
    'an entry is dropped from a row',
    6,
    (db) => {
      const { entries, hashes } = row(db, 6);
      put(db, 6, { entries: entries.split('\n')[0]!, hashes: hashes.subarray(0, 32) });
    },
  ],
  [
    'two rows change places',
    3,
    (db) => {
      const [three, five] = [row(db, 4), row(db, 6)];
      put(db, 4, five);
      put(db, 6, three);
    },
  ],
  [
    'two entries of a row change places',
    3,
    (db) => {
      const { entries, hashes } = row(db, 4);
      put(db, 4, {
        entries: entries.split('\n').reverse().join('\n'),
        hashes: Buffer.concat([hashes.subarray(32), hashes.subarray(0, 32)]),
      });
    },
  ],
  [
    'a line is slipped into a row',
    7,
    (db) => {
      const { entries, hashes } = row(db, 6);
      put(db, 6, { entries: `${entries}\n${entries.split('\n')[0]}`, hashes });
    },
  ],
  [
    'a well-chained entry is added to the last row',
    11,
    (db) => {
      const { entries, hashes } = row(db, 10);
      const { line, hash } = forged(db);
      put(db, 10, { entries: `${entries}\n${line}`, hashes: Buffer.concat([hashes, hash]) });
      db.exec('UPDATE ledger SET last_id = 11 WHERE last_id = 10');
    },
  ],
  [
    'a well-chained row is added at the end',
    11,
    (db) => {
      const { line, hash } = forged(db);
      db.prepare('INSERT INTO ledger (last_id, first_id, at, entries, hashes) VALUES (11, 11, 0, ?, ?)').run(
        line,
        hash,
      );
    },
  ],
  [
    'the last entry is rewritten with a hash that fits',
    10,
    (db) => {
      const { entries, hashes } = row(db, 10);
      const lines = entries.replace('t10', 'tX').split('\n');
      const hash = Buffer.from(chainHash(hashes.toString('hex', 0, 32), lines[1]!), 'hex');
      put(db, 10, { entries: lines.join('\n'), hashes: Buffer.concat([hashes.subarray(0, 32), hash]) });
    },
  ],
];

test.each(DEEDS)('when %s, entry %i is the first that is not what was written', async (_, firstInvalid, tamper) => {
  const store = await afterTampering(tamper);
  expect(await store.ledger.verify()).toMatchObject({ valid: false, firstInvalidId: firstInvalid });
});

test('behind entries that no kernel wrote nothing is written, and the refusal says which', async () => {
  const store = await afterTampering((db) => {
    const { line, hash } = forged(db);
    const insert = db.prepare('INSERT INTO ledger (last_id, first_id, at, entries, hashes) VALUES (11, 11, 0, ?, ?)');
    insert.run(line, hash);
  });
  const commit = store.commit([{ puts: [], events: [about({ id: 't' })] }], 0);
  await expect(commit).rejects.toThrow(/ledger in .*colony\.db holds an entry 11 that no kernel wrote/);
  expect((await store.ledger.span()).last).toBe(10);
});

test('when nothing is changed, nothing is found', async () => {
  const store = await afterTampering((db) => db.exec('VACUUM'));
  expect(await store.ledger.verify()).toMatchObject({ valid: true, entries: 10 });
});

test('after retention, a beginning that is cut off further is found as well', async () => {
  const path = temporaryPath('colony.db');
  const store = await SqliteStore.open({ path });
  const scribe = new Scribe(store);
  await fill(scribe, 10, 2);
  await store.prune({ endedBefore: null, ledgerBefore: scribe.at + 1, idempotencyBefore: 0 }, 3);
  await store.close();
  const db = new SqliteDatabase(path);
  db.exec('DELETE FROM ledger WHERE last_id = 8');
  db.close();
  const again = await SqliteStore.open({ path });
  onTestFinished(() => again.close());
  expect(await again.ledger.verify()).toMatchObject({ valid: false, firstInvalidId: 7 });
});

test('an entry that cannot be read is a fault of the store, and says which one', async () => {
  const store = await afterTampering((db) => put(db, 6, { ...row(db, 6), entries: 'gibberish' }));
  await expect(store.ledger.read(0, 100)).rejects.toThrow(StorageUnavailable);
  await expect(store.ledger.read(4, 1)).rejects.toThrow(/entry 5 cannot be read/);
  expect((await store.ledger.read(0, 4)).map((entry) => entry.id)).toEqual([1, 2, 3, 4]);
});

function later(entries: string): string {
  const [first, second] = entries.split('\n');
  return `${first}\n${second!.replace('2026', '2027')}`;
}

test('a page that is damaged on disk is a fault of the store, also for who reads the ledger', async () => {
  const path = temporaryPath('colony.db');
  const store = await SqliteStore.open({ path });
  await fill(new Scribe(store), 3000, 100);
  await store.close();
  const db = new SqliteDatabase(path);
  const page = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'ledger'").pluck().get() as number;
  const pageSize = db.pragma('page_size', { simple: true }) as number;
  db.close();
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(pageSize, 0xff), 0, pageSize, (page - 1) * pageSize);
  closeSync(file);

  const again = await SqliteStore.open({ path });
  onTestFinished(() => again.close());
  await expect(again.ledger.read(0, 100)).rejects.toThrow(StorageUnavailable);
  await expect(again.commit([], 0)).rejects.toThrow(StorageUnavailable);
});
