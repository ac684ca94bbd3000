import { randomUUID } from 'node:crypto';
import { afterAll, inject } from 'vitest';
import type { Store } from '../core/store.ts';
import { RedisStore } from '../store/redis/store.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { RedisServer } from './redis-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    store?: 'redis';
  }
}

/** Where the tests' project says so, tests that do not care run on a Redis server of their file's own, else in memory. */
export const sharedRedis = inject('store') === 'redis' ? await RedisServer.start() : null;
if (sharedRedis) afterAll(() => sharedRedis.stop());

const colonies = new WeakMap<Store, string>();

/** An empty store, whichever kind the tests run on. */
export function openFreshStore(): Promise<Store> {
  return sharedRedis ? onRedis(randomUUID()) : SqliteStore.open({ path: ':memory:' });
}

/** The same colony as another kernel sees it; null where there can be only one. */
export async function joinFreshStore(store: Store): Promise<Store | null> {
  const colony = colonies.get(store);
  return colony === undefined ? null : onRedis(colony);
}

async function onRedis(colony: string): Promise<Store> {
  const store = await RedisStore.open({ url: sharedRedis!.url, colony });
  colonies.set(store, colony);
  return store;
}
