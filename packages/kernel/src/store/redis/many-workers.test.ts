/** More workers than a kernel keeps at hand are known all the same. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { RedisServer } from '../../testing/redis-server.ts';
import { aWorker, Scribe } from '../../testing/scribe.ts';
import { RedisStore } from './store.ts';

const MANY = 10_500;
const AT_ONCE = 500;

const colony = randomUUID();
let server: RedisServer;

async function open(): Promise<RedisStore> {
  const store = await RedisStore.open({ url: server.url, colony });
  onTestFinished(() => store.close());
  return store;
}

const id = (n: number) => `bee-${n}`;
const from = (first: number, count: number) => Array.from({ length: count }, (_, n) => id(first + n));

beforeAll(async () => {
  server = await RedisServer.start();
  const store = await RedisStore.open({ url: server.url, colony });
  const scribe = new Scribe(store);
  for (let first = 0; first < MANY; first += AT_ONCE) {
    const workers = from(first, AT_ONCE).map((id) => aWorker({ id }));
    await scribe.commit({ puts: workers.map((next) => ({ kind: 'worker', prev: null, next })), events: [] });
  }
  await store.close();
});
afterAll(() => server.stop());

test('all of them are listed', async () => {
  const store = await open();
  for (let looks = 0; looks < 2; looks++) expect(await store.workers()).toHaveLength(MANY);
});

test('those who were known and those who were not are loaded together', async () => {
  const store = await open();
  for (let first = 0; first + AT_ONCE < MANY; first += AT_ONCE) {
    // Half of them were asked for the last time.
    const ids = from(first, 2 * AT_ONCE);
    const { workers } = await store.load({ workers: ids });
    expect([...workers.values()].map((worker) => worker?.id)).toEqual(ids);
  }
});
