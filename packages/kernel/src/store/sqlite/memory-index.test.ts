/** What memory is searched by follows what is remembered, whatever becomes of it. */
import { renameSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { Checkpoints } from '../../body/checkpoints.ts';
import { type MemoryEntry, type MemoryInput, memoryDocument, vectorText } from '../../core/memory.ts';
import type { MemorySearch } from '../../core/memory-search.ts';
import { lookThrough } from '../../testing/looking-through.ts';
import { compareMemoryIndex } from '../../testing/memory-index-check.ts';
import { Pipeline } from '../../testing/pipeline.ts';
import { Random } from '../../testing/random.ts';
import { DAWN, Scribe } from '../../testing/scribe.ts';
import { temporaryPath } from '../../testing/temporary-path.ts';
import { MemoryReader } from './memory-reader.ts';
import { SqliteStore } from './store.ts';

const ANY = { match: null, absent: false } as const;
const QUERY: MemorySearch = { scope: 's', vector: null, text: null, filter: {}, limit: 5, now: DAWN };

function agree(path: string): void {
  const { written, due } = compareMemoryIndex(path);
  expect(written).toEqual(due);
}

async function opened(path: string): Promise<SqliteStore> {
  const store = await SqliteStore.open({ path });
  onTestFinished(() => store.close());
  return store;
}

async function allDocuments(store: SqliteStore) {
  const page = await store.documentsNamed({ collection: 'memory', prefix: '', limit: 10_000, maxCharacters: 1e9 });
  return page.items;
}

function entry(n: number, fields = {}) {
  const made = { createdAt: DAWN, updatedAt: DAWN, expiresAt: null, version: 1, hash: '', value: '1', embedding: null };
  const vector = vectorText([n % 7, n % 11, 1, n % 5]);
  return {
    scope: 's',
    key: `key-${n}`,
    ...made,
    metadata: { third: n % 3 === 0 },
    text: `text of ${n}`,
    vector,
    ...fields,
  };
}

const documentOf = (n: number, fields = {}) => memoryDocument(entry(n, fields), 1);

test.each([1, 2, 3])('put, embedded, deleted, expired, and rolled back at random (%i)', async (seed) => {
  const random = new Random(seed);
  const path = temporaryPath('colony.db');
  const store = await opened(path);
  const pipeline = new Pipeline(store);
  const { batcher, clock } = pipeline;
  let made = 0;
  const checkpoints = new Checkpoints({
    ...{ store, batcher, clock, rules: { keep: 20, everyMs: null }, newId: () => `c${++made}` },
    onRolledBack: async () => undefined,
  });
  const scope = () => random.pick(['s', 't']);
  const key = () => random.pick(['a', 'b', 'c', 'd']);
  const actor = 'ann';
  const vector = (dimension: number) =>
    vectorText(Array.from({ length: dimension }, () => random.between(-3, 3) + 0.5));
  const input = (): MemoryInput => ({
    ...{ key: key(), value: '1', metadata: random.chance(0.5) ? { kind: 'x' } : {}, hash: 'h', path: '' },
    text: random.chance(0.6) ? random.pick(['a plan', 'b plan of a plan', 'ß', '']) : null,
    vector: random.chance(0.4) ? vector(random.between(1, 3)) : null,
    ttlMs: random.chance(0.2) ? 1000 : null,
  });
  const embed = async () => {
    const documents = await allDocuments(store);
    if (documents.length === 0) return;
    const { body, id } = random.pick(documents);
    const { key, version, hash } = body as unknown as MemoryEntry;
    const items = [{ key, version, hash, vector: vector(random.between(3, 4)) }];
    const model = random.pick(['one', 'two']);
    await pipeline.run({ kind: 'embed_memory', actor, scope: id.slice(0, id.indexOf('/')), model, items });
  };
  const deeds: (() => Promise<unknown>)[] = [
    () => pipeline.run({ kind: 'put_memory', actor, scope: scope(), items: [input()], condition: ANY }),
    () => pipeline.run({ kind: 'put_memory', actor, scope: scope(), items: [input()], condition: ANY }),
    embed,
    () => pipeline.run({ kind: 'delete_memory', actor, scope: scope(), key: key(), condition: ANY }),
    async () => {
      const one = random.pick([...(await allDocuments(store)), null]);
      if (one === null || one.dueAt === null) return;
      await clock.advance(1000);
      const { key } = one.body as { key: string };
      const scope = one.id.slice(0, one.id.indexOf('/'));
      await pipeline.run({ kind: 'expire_memory', actor, scope, key, expiresAt: one.dueAt });
    },
    () => checkpoints.create(null, actor),
    async () => made > 0 && checkpoints.rollback(`c${random.between(1, made)}`, actor),
  ];
  for (let n = 0; n < 120; n++) {
    await random.pick(deeds)();
    if (n % 4 > 0) continue;
    agree(path);
    const query = { ...QUERY, now: clock.now().wall, text: 'plan a', filter: random.pick([{}, { kind: 'x' }]) };
    const values = Float32Array.from({ length: 4 }, () => random.between(-3, 3) + 0.5);
    const whole = { ...query, scope: scope(), vector: { values, space: { model: 'one' } } };
    expect(await store.search(whole)).toEqual(lookThrough(await allDocuments(store), whole));
  }
});

test('an entry with neither text nor vector leaves nothing to be searched', async () => {
  const path = temporaryPath('colony.db');
  const scribe = new Scribe(await opened(path));
  const plain = documentOf(1, { text: null, vector: null });
  await scribe.commit({ puts: [{ kind: 'document', prev: null, next: plain }], events: [] });
  expect(compareMemoryIndex(path).written).toEqual(['0 vectors of nothing']);
});

test('of a word that a text is full of no more is written than counts', async () => {
  const path = temporaryPath('colony.db');
  const scribe = new Scribe(await opened(path));
  const next = documentOf(1, { text: 'bee '.repeat(25_000) });
  await scribe.commit({ puts: [{ kind: 'document', prev: null, next }], events: [] });
  agree(path);
  const db = new SqliteDatabase(path, { readonly: true });
  db.exec('CREATE VIRTUAL TABLE temp.places USING fts5vocab(main, memory_words, instance)');
  expect(db.prepare('SELECT count(*) FROM temp.places').pluck().get()).toBe(255);
  db.close();
});

test('a database of before memory was searched is made to be searched', async () => {
  const path = temporaryPath('colony.db');
  const store = await SqliteStore.open({ path });
  const scribe = new Scribe(store);
  for (const n of [1, 2, 3]) {
    await scribe.commit({ puts: [{ kind: 'document', prev: null, next: documentOf(n) }], events: [] });
  }
  await store.close();
  const db = new SqliteDatabase(path);
  for (const table of ['scopes', 'entries', 'words', 'spaces', 'vectors']) db.exec(`DROP TABLE memory_${table}`);
  db.pragma('user_version = 6');
  db.close();
  const later = await opened(path);
  agree(path);
  expect((await later.search({ ...QUERY, text: 'text' })).byText).toHaveLength(3);
});

test('what was to be restored and broke off leaves nothing when it is cleared', async () => {
  const path = temporaryPath('colony.db');
  const whole = new Scribe(await opened(temporaryPath('other.db')));
  for (const n of [1, 2]) {
    await whole.commit({ puts: [{ kind: 'document', prev: null, next: documentOf(n) }], events: [] });
  }
  const store = await SqliteStore.open({ path });
  const broken = async function* () {
    for await (const piece of whole.store.dump())
      if (piece.kind !== 'document' || piece.document.id !== 's/key-2') yield piece;
  };
  await expect(store.restore(broken())).rejects.toThrow();
  await store.close();
  expect(compareMemoryIndex(path).written).toHaveLength(4);
  const cleared = await SqliteStore.open({ path, clear: true });
  expect(compareMemoryIndex(path).written).toEqual(['0 vectors of nothing']);
  await cleared.restore(whole.store.dump());
  expect((await cleared.search({ ...QUERY, text: 'text' })).byText).toHaveLength(2);
  await cleared.close();
});

test('what there is no room for in memory is found all the same, and what is kept stays below what it may be', async () => {
  const path = temporaryPath('colony.db');
  const scribe = new Scribe(await opened(path));
  const scopes = ['a', 'b', 'c', 'd'];
  const documents = scopes.flatMap((scope) => Array.from({ length: 700 }, (_, n) => documentOf(n, { scope })));
  await scribe.commit(
    ...documents.map((next) => ({ puts: [{ kind: 'document' as const, prev: null, next }], events: [] })),
  );
  const db = new SqliteDatabase(path, { readonly: true });
  onTestFinished(() => {
    db.close();
  });
  // None at all; of vectors or fields alone too few; two scopes of four.
  for (const bytes of [0, 30_000, 100_000, 1e9]) {
    const reader = new MemoryReader(db, { vectorBytes: bytes, textBytes: bytes });
    for (const scope of [...scopes, ...scopes.toReversed()]) {
      const vector = { values: Float32Array.of(1, 2, 3, 4), space: 'given' as const };
      const query = { ...QUERY, scope, vector, text: 'text 77 78', filter: { third: true }, limit: 20 };
      expect(reader.search(query)).toEqual(lookThrough(documents, query));
      expect(reader.bytes).toBeLessThanOrEqual(bytes * 2);
    }
  }
});

test('a store that may keep next to nothing to search in finds all the same', async () => {
  const store = await SqliteStore.open({ path: temporaryPath('colony.db'), searchBytes: 9 });
  onTestFinished(() => store.close());
  const documents = Array.from({ length: 30 }, (_, n) => documentOf(n));
  const puts = documents.map((next) => ({ kind: 'document' as const, prev: null, next }));
  await new Scribe(store).commit({ puts, events: [] });
  const vector = { values: Float32Array.of(1, 2, 3, 4), space: 'given' as const };
  const query = { ...QUERY, vector, text: 'text 7', filter: { third: true } };
  expect(await store.search(query)).toEqual(lookThrough(documents, query));
});

test('a search that was begun is answered before the store is closed, and none after', async () => {
  const store = await opened(temporaryPath('colony.db'));
  const scribe = new Scribe(store);
  await scribe.commit({ puts: [{ kind: 'document', prev: null, next: documentOf(1) }], events: [] });
  const asked = store.search({ ...QUERY, text: 'text' });
  await store.close();
  expect((await asked).byText).toHaveLength(1);
  await expect(store.search({ ...QUERY, text: 'text' })).rejects.toThrow('the store is closed');
});

test('where the thread that searches comes to nothing, the search fails, and the next one begins another', async () => {
  const path = temporaryPath('colony.db');
  const store = await opened(path);
  const scribe = new Scribe(store);
  await scribe.commit({ puts: [{ kind: 'document', prev: null, next: documentOf(1) }], events: [] });
  renameSync(path, `${path}.away`);
  const asked = Promise.allSettled([1, 2].map(() => store.search({ ...QUERY, text: 'text' })));
  for (const answer of await asked) {
    expect(answer).toMatchObject({
      status: 'rejected',
      reason: { name: 'StorageUnavailable', message: expect.stringMatching(/broken off: unable to open/) },
    });
  }
  renameSync(`${path}.away`, path);
  expect((await store.search({ ...QUERY, text: 'text' })).byText).toHaveLength(1);
  // Nobody else was kept from anything.
  await scribe.commit({ puts: [{ kind: 'document', prev: null, next: documentOf(2) }], events: [] });
  expect((await store.search({ ...QUERY, text: 'text' })).byText).toHaveLength(2);
});

test('what a text means to another model, or otherwise to the same, takes the place of what it meant', async () => {
  const path = temporaryPath('colony.db');
  const scribe = new Scribe(await opened(path));
  const near = (model: string) => ({
    ...QUERY,
    text: 'text',
    vector: { values: Float32Array.of(1, 0), space: { model } },
  });
  let prev = null;
  const meanings = [
    null,
    ['one', [1, 0]],
    ['two', [1, 0]],
    ['two', [0, 1]],
    ['two', [1, 0, 0]],
    ['one', [1, 1]],
    null,
  ] as const;
  for (const [at, meaning] of meanings.entries()) {
    const embedding = meaning && { model: meaning[0], vector: vectorText(meaning[1]) };
    const next = memoryDocument(entry(1, { embedding, vector: null }), at + 1);
    await scribe.commit({ puts: [{ kind: 'document', prev, next }], events: [] });
    prev = next;
    agree(path);
    for (const model of ['one', 'two'])
      expect(await scribe.store.search(near(model))).toEqual(lookThrough([next], near(model)));
  }
});
