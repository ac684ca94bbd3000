import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import type { Store } from '../core/store.ts';
import { RedisStore } from '../store/redis/store.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { RedisServer } from './redis-server.ts';

/** With `COLONY_TEST_STORE=redis` tests that do not care run on a Redis server of their file's own, else in memory. */
export const sharedRedis = process.env.COLONY_TEST_STORE === 'redis' ? await RedisServer.start() : null;
if (sharedRedis) afterAll(() => sharedRedis.stop());

/** An empty store, whichever kind the tests run on. */
export function openFreshStore(): Promise<Store> {
  if (!sharedRedis) return SqliteStore.open({ path: ':memory:' });
  return RedisStore.open({ url: sharedRedis.url, colony: randomUUID() });
}
