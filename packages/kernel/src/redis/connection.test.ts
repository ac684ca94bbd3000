/** What a connection asks again by itself, and what it says when there is no answer to be had. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { StorageUnavailable } from '../core/errors.ts';
import { RedisServer } from '../testing/redis-server.ts';
import { RedisConnection } from './connection.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

function connect(timeoutMs = 2000): RedisConnection {
  const redis = new RedisConnection({ url: server.url, timeoutMs }, 'any');
  onTestFinished(() => redis.close());
  return redis;
}

test('a question that waits at a master when it is demoted is asked again', async () => {
  const stream = randomUUID();
  const answer = connect(10_000).send('XREAD', 'BLOCK', '5000', 'STREAMS', stream, '0');
  await vi.waitFor(async () => expect(await server.ask('INFO', 'clients')).toMatch(/blocked_clients:1/));
  await server.ask('REPLICAOF', '127.0.0.1', '1');
  await server.ask('REPLICAOF', 'NO', 'ONE');
  await server.ask('XADD', stream, '1-0', 'it', 'is');
  expect(await answer).toEqual([[stream, [['1-0', ['it', 'is']]]]]);
});

test('what a replica refuses to write is written once it is a master', async () => {
  const [redis, key] = [connect(), randomUUID()];
  await server.ask('REPLICAOF', '127.0.0.1', '1');
  const written = redis.send('SET', key, 'value');
  await vi.waitFor(async () => expect(await server.ask('INFO', 'errorstats')).toMatch(/READONLY/));
  await server.ask('REPLICAOF', 'NO', 'ONE');
  expect(await written).toBe('OK');
});

test('who gets no answer in time is told that the store cannot be used, and why', async () => {
  const redis = connect(300);
  // What takes long on a busy machine is over.
  await expect.poll(() => redis.send('PING').catch(() => null)).toBe('PONG');
  await server.ask('REPLICAOF', '127.0.0.1', '1');
  const refused = redis.send('SET', 'key', 'value');
  await expect(refused).rejects.toThrow(/Redis cannot be used: READONLY/);
  await expect(refused).rejects.toThrow(StorageUnavailable);
  await server.ask('REPLICAOF', 'NO', 'ONE');
});
