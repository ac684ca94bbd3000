/** What every store must do, done by Redis: a real server, which every test has a colony of its own on. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { RedisServer } from '../../testing/redis-server.ts';
import { exerciseStore } from '../../testing/store-conformance/index.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const colonies = new WeakMap<object, string>();

async function open(colony: string): Promise<RedisStore> {
  const store = await RedisStore.open({ url: server.url, colony });
  colonies.set(store, colony);
  return store;
}

exerciseStore('Redis', {
  open: () => open(randomUUID()),
  join: (store) => open(colonies.get(store)!),
  searches: true,
  async reopen(store) {
    await store.close();
    return open(colonies.get(store)!);
  },
});
