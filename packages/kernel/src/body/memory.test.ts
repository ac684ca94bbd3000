/** What is remembered: as `decide` sees it, with checkpoints and with time. The rest is held against the model. */
import { expect, test, vi } from 'vitest';
import { Refusal } from '../core/errors.ts';
import { EMPTY_SCOPE, type MemoryInput, memoryScopeDocument, vectorFrom, vectorText } from '../core/memory.ts';
import { NgramEmbedder } from '../memory/embedders/ngram-embedder.ts';
import { Pipeline } from '../testing/pipeline.ts';
import { RULES } from '../testing/rules.ts';
import { Scribe } from '../testing/scribe.ts';
import { begin } from '../testing/swept-colony.ts';
import { Checkpoints } from './checkpoints.ts';
import { EmbeddingDesk } from './embedding-desk.ts';
import { MemoryDesk } from './memory-desk.ts';

const ANY = { match: null, absent: false } as const;

function input(key: string, fields: Partial<MemoryInput> = {}): MemoryInput {
  const given = { value: '1', metadata: {}, text: null, vector: null, hash: 'h', ttlMs: null, path: '' };
  return { key, ...given, ...fields };
}

/** A colony with a memory, and what is done to it in few words. */
async function scene(rules = {}) {
  const pipeline = await Pipeline.open(rules);
  const { store, batcher, clock } = pipeline;
  let made = 0;
  const checkpoints = new Checkpoints({
    ...{ store, batcher, clock, rules: { keep: 20, everyMs: null }, newId: () => `c${++made}` },
    onRolledBack: async () => undefined,
  });
  const execute = pipeline.run.bind(pipeline);
  const onFault = () => expect.unreachable();
  const embedding = new EmbeddingDesk({ store, clock, embedder: new NgramEmbedder(), execute, onFault });
  const desk = new MemoryDesk({ store, clock, embedding });
  const put = async (key: string, fields: Partial<MemoryInput> = {}, scope = 's') => {
    const items = [input(key, fields)];
    const answer = await pipeline.run({ kind: 'put_memory', actor: 'ann', scope, items, condition: ANY });
    return answer instanceof Refusal ? answer.code : answer.entries[0]!.entry.version;
  };
  const drop = (key: string, scope = 's') =>
    pipeline.run({ kind: 'delete_memory', actor: 'ann', scope, key, condition: ANY });
  const value = async (key: string, scope = 's') => (await desk.entry(scope, key))?.value ?? null;
  return { pipeline, checkpoints, desk, put, drop, value };
}

test('a version is never used again for a key: not when it was deleted, not after a rollback', async () => {
  const { checkpoints, put, drop, value, pipeline } = await scene();
  expect([await put('a'), await put('a'), await put('b')]).toEqual([1, 2, 1]);
  await drop('a');
  expect([await put('a'), await put('c')]).toEqual([3, 3]);
  await checkpoints.create(null, 'ann');
  // A scope that was not there, and a key of one that was.
  for (let n = 1; n <= 5; n++) expect(await put('new', {}, 'other')).toBe(n);
  expect([await put('late'), await put('late'), await put('late'), await put('late')]).toEqual([3, 4, 5, 6]);
  await drop('late');
  await put('a', { value: '2' });
  await checkpoints.rollback('c1', 'ann');
  expect([await value('a'), await value('late'), await value('new', 'other')]).toEqual(['1', null, null]);
  expect(await put('new', {}, 'other')).toBeGreaterThan(5);
  expect(await put('late')).toBeGreaterThan(6);
  expect(await put('a')).toBeGreaterThan(5);
  const told = (await pipeline.store.ledger.query({ type: 'memory_written', limit: 100 })).map(({ data }) => data);
  expect(new Set(told).size).toBe(told.length);
});

test('what has expired is not there from that moment on, and another may be put in its place', async () => {
  const { pipeline, desk, put, value } = await scene();
  await put('a', { ttlMs: 1000 });
  await put('b', { ttlMs: 3000 });
  await pipeline.clock.advance(999);
  expect(await value('a')).toBe('1');
  await pipeline.clock.advance(1);
  expect(await value('a')).toBeNull();
  const listed = await desk.entries('s', { prefix: '', after: undefined, limit: 10 });
  expect(listed.items.map(({ key }) => key)).toEqual(['b']);
  const absent = { match: null, absent: true };
  const again = { kind: 'put_memory', actor: 'ann', scope: 's', items: [input('a')], condition: absent } as const;
  const { wall } = pipeline.clock.now();
  expect(await pipeline.run(again)).toMatchObject({
    entries: [{ isNew: true, entry: { version: 2, createdAt: wall } }],
  });
});

test('a listing looks at so much at a time, and goes on behind what it has passed over', async () => {
  const { pipeline, desk, put } = await scene();
  const scribe = new Scribe(pipeline.store);
  const names = Array.from({ length: 4500 }, (_, n) => `s${String(n).padStart(4, '0')}`);
  const empty = names.map((scope) => ({ scope, createdAt: 0, ...EMPTY_SCOPE, floor: 1 }));
  const puts = empty.map((scope) => ({ kind: 'document' as const, prev: null, next: memoryScopeDocument(scope, 1) }));
  await scribe.commit({ puts, events: [] });
  for (const scope of ['s0001', 's2500', 's4400']) await put('a', {}, scope);
  const pages: string[][] = [];
  for (let after: string | undefined, next: string | null = ''; next !== null; after = next ?? undefined) {
    const page = await desk.scopes({ prefix: 's', after, limit: 10 });
    pages.push(page.items.map(({ scope }) => scope));
    next = page.next;
  }
  expect(pages).toEqual([['s0001'], ['s2500'], ['s4400']]);
  for (const key of ['b', 'c', 'd']) await put(key, {}, 's0001');
  const asked = vi.spyOn(pipeline.store, 'documentsNamed');
  expect(await desk.entries('s0001', { prefix: '', after: 'a', limit: 1 })).toMatchObject({
    items: [{ key: 'b' }],
    next: 'b',
  });
  expect(asked.mock.calls).toMatchObject([[{ limit: 2 }]]);
});

test('the sweeper removes what has expired, and the ledger tells of it', async () => {
  const colony = await begin();
  const { store } = colony.pipeline;
  const items = [input('a', { ttlMs: 1000 }), input('b')];
  await colony.pipeline.run({ kind: 'put_memory', actor: 'ann', scope: 's', items, condition: ANY });
  const left = async () => {
    await colony.advance(500);
    return store.document('memory', 's/a');
  };
  await expect.poll(left).toBeNull();
  expect(await store.document('memory', 's/b')).not.toBeNull();
  const [told] = await store.ledger.query({ type: 'memory_deleted', limit: 10 });
  expect(JSON.parse(told!.data)).toEqual({ key: 'a', reason: 'expired', scope: 's', version: 1 });
});

test('a scope takes no more keys than it may hold, whoever asks, and what is there may be replaced', async () => {
  const { put, drop, value } = await scene({ memory: { ...RULES.memory, maxKeysPerScope: 2 } });
  expect([await put('a'), await put('b'), await put('c')]).toEqual([1, 1, 'scope_full']);
  expect(await value('c')).toBeNull();
  expect([await put('a'), await put('a', {}, 'other')]).toEqual([2, 1]);
  await drop('b');
  expect(await put('c')).toBe(2);
});

test('vectors of a scope are as long as the first; the last one there is may be replaced by another', async () => {
  const { put, drop } = await scene();
  const [two, three] = [vectorText([1, 0]), vectorText([1, 0, 0])];
  expect([await put('a', { vector: two }), await put('b', { vector: three })]).toEqual([1, 'validation_failed']);
  expect(await put('b')).toBe(1);
  expect([await put('a', { vector: three }), await put('b', { vector: two })]).toEqual([2, 'validation_failed']);
  await drop('a');
  expect(await put('b', { vector: two })).toBe(2);
});

test('a vector is kept as 32-bit floats, the lowest byte first', () => {
  const text = vectorText([1, -2.5, 0.1]);
  expect(Buffer.from(text, 'base64').toString('hex')).toBe('0000803f000020c0cdcccc3d');
  expect(vectorFrom(text)).toEqual(Float32Array.of(1, -2.5, 0.1));
});

test('a thousand searches are under way at once, and no more; then others may be', async () => {
  const { desk, put } = await scene();
  await put('a', { text: 'bee' });
  const question = { text: 'bee', vector: null, mode: 'text', filter: {}, topK: 10 } as const;
  const search = () => desk.search('s', question);
  const answers = await Promise.all(Array.from({ length: 1001 }, search));
  expect(answers.slice(0, 1000).every((answer) => 'matches' in answer && answer.matches.length === 1)).toBe(true);
  expect(answers[1000]).toMatchObject({ code: 'queue_full', retryAfterSeconds: 1 });
  expect(await search()).toMatchObject({ matches: [{}] });
});
