/** A server that is emptied while kernels use it: what they knew is gone, though none of them lost its connection. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Unit } from '../../core/store.ts';
import { RedisServer } from '../../testing/redis-server.ts';
import { about, aDocument, DAWN, insert, Scribe } from '../../testing/scribe.ts';
import { bodyAt } from '../../testing/two-bodies.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const PATIENCE_MS = 10_000;

const empty = () => server.ask('FLUSHALL');

interface Kernel {
  readonly store: RedisStore;
  readonly scribe: Scribe;
}

async function open(colony: string): Promise<Kernel> {
  const store = await RedisStore.open({ url: server.url, colony });
  onTestFinished(() => store.close());
  return { store, scribe: new Scribe(store) };
}

async function two(): Promise<[Kernel, Kernel]> {
  const colony = randomUUID();
  return [await open(colony), await open(colony)];
}

const say = ({ scribe }: Kernel, id: string) => scribe.commit({ puts: [], events: [about({ id })] });

test('every kernel is told, once, what is gone', async () => {
  const kernels = await two();
  for (const kernel of kernels) await say(kernel, 'gone');
  const beats = () => Promise.all(kernels.map(({ store }) => store.fellows.beat([], PATIENCE_MS)));
  await beats();
  await empty();
  const [one, other] = await beats();
  expect(one).toMatchObject({ lostUpTo: 1, restarted: true, last: 0 });
  expect(other).toMatchObject({ lostUpTo: 2, restarted: true, last: 0 });
  for (const beat of await beats()) expect(beat).toMatchObject({ lostUpTo: null, restarted: false });
});

test('what was decided on what is gone is not committed', async () => {
  const { store, scribe } = await open(randomUUID());
  const task = await scribe.draft();
  const { epoch, tokenFloor } = await store.survey();
  await empty();
  const commit = (epoch: string | null) => store.commit([insert(task)], DAWN, { epoch });
  expect((await commit(epoch)).outcomes).toEqual(['conflict']);
  const risen = await store.survey();
  expect(risen.tokenFloor).toBeGreaterThan(tokenFloor);
  expect((await commit(risen.epoch)).outcomes).toEqual(['committed']);
});

test('a kernel that was alone goes on with what is there', async () => {
  const { hive, store } = await bodyAt(server.url, randomUUID());
  await hive.hire('maya');
  for (let n = 0; n < 20; n++) await hive.submit(`gone-${n}`);
  await empty();
  await hive.submit('new');
  expect(await hive.worker('maya')).toBeNull();
  await hive.hire('maya');
  expect((await hive.take('maya')).task.id).toBe('new');
  expect(await store.ledger.verify()).toMatchObject({ valid: true, entries: 4 });
});

test('rows that are gone do not seal those that have their numbers now', async () => {
  const [one, other] = await two();
  await say(other, 'gone');
  await empty();
  await say(one, 'new');
  expect(await other.store.ledger.seal()).toBe(1);
  expect(await other.store.ledger.verify()).toMatchObject({ valid: true, entries: 1 });
});

test('what was kept and is gone is kept anew', async () => {
  const { store, scribe } = await open(randomUUID());
  const saving = { number: 1, rolling: false };
  const keep = async () => {
    await scribe.save(saving);
    const unit: Unit = { puts: [{ kind: 'document', prev: null, next: aDocument() }], events: [] };
    expect((await store.commit([unit], DAWN, { saving })).outcomes).toEqual(['committed']);
  };
  await keep();
  await empty();
  await keep();
  expect((await store.saved({ since: 1, limit: 9 })).items).toMatchObject([{ id: 'vote vote-1', saved: null }]);
});

test('lanes are those that are there, though they have changed as often', async () => {
  const [one, other] = await two();
  await one.scribe.add({ requirements: { region: 'gone' } });
  expect((await one.store.survey()).lanes.size).toBe(1);
  await empty();
  const task = await other.scribe.add({ requirements: { region: 'new' } });
  expect([...(await one.store.survey()).lanes.keys()]).toEqual([task.lane]);
});

test('keys that are used from then on are known as used to a kernel that starts later', async () => {
  const colony = randomUUID();
  const { store } = await open(colony);
  await empty();
  const { epoch } = await store.survey();
  const next = { key: 'k', bodyHash: '', taskIds: ['t'], at: DAWN };
  await store.commit([{ puts: [{ kind: 'idempotency', prev: null, next }], events: [] }], DAWN, { epoch });
  const { store: later } = await open(colony);
  expect((await later.survey()).lastKey).not.toBe('');
});

test('time goes on from where it was, the same for all, and every lease begins anew', async () => {
  const colony = randomUUID();
  const [one, other] = [await open(colony), await open(colony)];
  const clock = `{${colony}}:clock`;
  const beat = ({ store }: Kernel) => store.fellows.beat([], PATIENCE_MS);
  await server.ask('HSET', clock, 'steady', '1000000');
  for (const kernel of [one, other]) await beat(kernel);
  await one.scribe.addWorker();
  await empty();
  for (const kernel of [one, other]) await beat(kernel);
  await one.scribe.addWorker();
  expect((await beat(one)).silent).toEqual([]);
  const later = await open(colony);
  const times = [one, other, later].map(({ store }) => store.clock.now().steady);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(1_000_000);
  expect(Math.max(...times) - Math.min(...times)).toBeLessThan(1000);
  expect(Number(await server.ask('HGET', clock, 'resumed'))).toBeGreaterThanOrEqual(1_000_000);
});
