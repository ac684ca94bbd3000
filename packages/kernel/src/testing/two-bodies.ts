import { onTestFinished } from 'vitest';
import type { Rules } from '../core/command.ts';
import { RedisStore } from '../store/redis/store.ts';
import { Hive } from './hive.ts';
import { Pipeline } from './pipeline.ts';

/** A body of a colony on Redis; what it says to its store can be meddled with. Ends with the test. */
export async function bodyAt(
  url: string,
  colony: string,
  rules: Partial<Rules> = {},
): Promise<{ hive: Hive; store: RedisStore }> {
  const store = await RedisStore.open({ url, colony });
  onTestFinished(() => store.close());
  return { hive: new Hive(new Pipeline(store, rules)), store };
}
