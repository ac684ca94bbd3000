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

/** An empty store, whichever kind the tests run on. */
export function openFreshStore(): Promise<Store> {
  if (!sharedRedis) return SqliteStore.open({ path: ':memory:' });
  return RedisStore.open({ url: sharedRedis.url, colony: randomUUID() });
}
