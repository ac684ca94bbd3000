/** The same on a Redis Cluster, where everything of a colony must be in one slot: one node that has all of them. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RedisBus } from '../../bus/redis.ts';
import { Ear } from '../../testing/bus-conformance.ts';
import { startCluster } from '../../testing/redis-cluster.ts';
import type { RedisServer } from '../../testing/redis-server.ts';
import { Scribe } from '../../testing/scribe.ts';
import { closures } from '../../testing/store-conformance/closures.ts';
import { commits } from '../../testing/store-conformance/commits.ts';
import { ledger } from '../../testing/store-conformance/ledger.ts';
import { retention } from '../../testing/store-conformance/retention.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
beforeAll(async () => {
  [server] = (await startCluster(1)) as [RedisServer];
});
afterAll(() => server.stop());

// Every script and every kind of key, but not all the rest again.
describe.each([
  ['commits', commits],
  ['dependents and descendants', closures],
  ['the ledger', ledger],
  ['retention', retention],
])('%s', (_, exercise) => exercise({ open: () => RedisStore.open({ url: server.url, colony: randomUUID() }) }));

test('kernels on a cluster hear of each other', async () => {
  const at = { url: server.url, colony: randomUUID() };
  const [store, bus] = [await RedisStore.open(at), await RedisBus.open(at, 'a')];
  const ear = new Ear();
  bus.subscribe(ear);
  await new Scribe(store).add();
  await vi.waitFor(() => expect(ear.ids).toEqual([1]));
  await bus.close();
  await store.close();
});
