/** What a server says of itself is asked when it can tell. */
import { expect, onTestFinished, test } from 'vitest';
import { RedisServer } from '../testing/redis-server.ts';
import { RedisConnection } from './connection.ts';
import { isDurable, readFacts } from './facts.ts';

/** So many writes in a log that a server that is slow at it says meanwhile that it is still loading. */
const WRITES = 10_000;

test('a server that still loads its log is waited for: until then it says that it keeps none', async () => {
  const server = await RedisServer.start({ 'key-load-delay': '50' });
  onTestFinished(() => server.stop());
  await server.ask('EVAL', `for n = 1, ${WRITES} do redis.call('SET', 'key' .. n, n) end`, '0');
  await server.kill();
  const started = server.start();
  const redis = new RedisConnection({ url: server.url, timeoutMs: 5000 }, 'any');
  onTestFinished(() => redis.close());
  expect(String(await redis.send('INFO'))).toMatch(/^loading:1/m);
  const facts = await readFacts(redis);
  expect(facts).toMatchObject({ appendOnly: true, fsync: 'always' });
  expect(isDurable(facts)).toBe(true);
  await started;
});
