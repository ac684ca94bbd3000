/** What is counted of pools on Redis, where kernels of before it was counted may have served the colony. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { capabilityPool, groupPool } from '../../core/lane.ts';
import { RedisServer } from '../../testing/redis-server.ts';
import { Scribe } from '../../testing/scribe.ts';
import { MOST_EMPTY_POOLS } from './pools.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const EVERYTHING = { endedBefore: Number.MAX_SAFE_INTEGER, ledgerBefore: null, idempotencyBefore: 0 };

async function open(colony: string): Promise<Scribe> {
  const store = await RedisStore.open({ url: server.url, colony });
  onTestFinished(() => store.close());
  return new Scribe(store);
}

/** Half a surrogate pair is what Redis itself could not read in a specification. */
const HOSTILE = { payload: '\ud800', requirements: { capabilities: ['ocr', 'resize'] }, group: 'a: "b"' };
const POOLS = [groupPool('a: "b"'), capabilityPool('ocr')];

async function executing({ store }: Scribe): Promise<number[]> {
  return [...(await store.load({ pools: POOLS })).pools.values()];
}

test('what is executing is counted when a kernel opens a colony in which it was not', async () => {
  const colony = randomUUID();
  const one = await open(colony);
  await one.add(HOSTILE, { status: 'executing' });
  await one.add({ requirements: { capability: 'ocr' } }, { status: 'executing' });
  await one.add({}, { status: 'executing' });
  await server.ask('DEL', `{${colony}}:pools`);
  await server.ask('HSET', `{${colony}}:meta`, 'schema', '4');
  const { mark } = await one.store.survey();
  const other = await open(colony);
  expect(await executing(other)).toEqual([1, 2]);
  expect((await other.store.survey()).mark).not.toBe(mark);
});

test('counts that are right are left as they are, and nobody has to look anew', async () => {
  const colony = randomUUID();
  const one = await open(colony);
  const task = await one.add(HOSTILE, { status: 'executing' });
  await one.change(task, { status: 'queued' });
  await one.add(HOSTILE, { status: 'executing' });
  const { mark } = await one.store.survey();
  const other = await open(colony);
  expect(await executing(other)).toEqual([1, 1]);
  expect((await other.store.survey()).mark).toBe(mark);
});

test('pools of which nothing is executing any more go before there are too many', async () => {
  const colony = randomUUID();
  const scribe = await open(colony);
  const key = `{${colony}}:pools`;
  await scribe.add(HOSTILE, { status: 'executing' });
  const fill = async (count: number) => {
    await server.ask('HSET', key, ...Array.from({ length: count }, (_, n) => [`group ${n}`, '0']).flat());
    await scribe.store.prune(EVERYTHING, 10);
    return Number(await server.ask('HLEN', key));
  };
  expect(await fill(10)).toBe(13);
  expect(await fill(MOST_EMPTY_POOLS)).toBe(3);
  expect(await executing(scribe)).toEqual([1, 1]);
});
