/** Searches while connections break, and servers take over that do not have all. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { StorageUnavailable } from '../../../core/errors.ts';
import { anEntry } from '../../../testing/memory-entries.ts';
import { RedisServer } from '../../../testing/redis-server.ts';
import { Rememberer } from '../../../testing/rememberer.ts';
import { TcpProxy } from '../../../testing/tcp-proxy.ts';
import { RedisStore } from '../store.ts';

let master: RedisServer;
let replica: RedisServer;
beforeAll(async () => {
  [master, replica] = await Promise.all([RedisServer.start(), RedisServer.start()]);
});
afterAll(async () => {
  await Promise.all([master.stop(), replica.stop()]);
});

const ALL = { text: 'bee', limit: 10_000 };

/** A kernel that is at the server itself, and those that come to it over a line that can break, or lead to the other server. */
async function scene() {
  const colony = randomUUID();
  await replica.ask('REPLICAOF', '127.0.0.1', String(master.port));
  let serving = master;
  const line = await TcpProxy.start(() => serving.port);
  onTestFinished(() => line.stop());
  const open = async (url: string, timeoutMs = 2000) => {
    const store = await RedisStore.open({ url, colony, timeoutMs });
    onTestFinished(() => store.close());
    return new Rememberer(store);
  };
  return {
    line,
    near: await open(master.url),
    far: (timeoutMs?: number) => open(`redis://127.0.0.1:${line.port}`, timeoutMs),
    async part() {
      await replica.follows(master);
      await replica.promote();
    },
    failOver() {
      serving = replica;
      line.cut();
    },
  };
}

const entries = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => anEntry({ key: `${name}-${n}`, text: 'bee' }));

/** Resolves when the server has answered so many of them. */
async function afterReads(count: number): Promise<void> {
  const calls = async () =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await master.ask('INFO', 'commandstats'))?.[1] ?? 0);
  await expect.poll(calls, { interval: 1 }).toBeGreaterThanOrEqual(count);
}

test('whoever cannot reach the server says so, and finds all when that is over', async () => {
  const { near, far, line } = await scene();
  const kernel = await far();
  await near.put(...entries('early', 2));
  expect(await kernel.keys(ALL)).toEqual(['early-0', 'early-1']);
  line.swallow();
  await expect(kernel.keys(ALL)).rejects.toThrow(StorageUnavailable);
  line.restore();
  await near.put(...entries('late', 1), { scope: 'team', key: 'early-0' });
  await expect.poll(() => kernel.keys(ALL)).toEqual(['early-1', 'late-0']);
});

test('whoever waits for a server that does not answer waits no longer than a while, however many wait', async () => {
  const { near, far, line } = await scene();
  await near.put(...entries('early', 2));
  const kernel = await far(500);
  await kernel.keys(ALL);
  line.swallow();
  const start = performance.now();
  const searches = await Promise.allSettled(Array.from({ length: 30 }, () => kernel.keys(ALL)));
  for (const { status } of searches) expect(status).toBe('rejected');
  // One after the other they would take 15 s.
  expect(performance.now() - start).toBeLessThan(5000);
  line.restore();
  await expect.poll(() => kernel.keys(ALL)).toEqual(['early-0', 'early-1']);
});

test('a scope that could not be read to its end is read from its beginning', async () => {
  const { near, far, line } = await scene();
  for (let n = 0; n < 10; n++) await near.put(...entries(`${n}`, 400));
  const kernel = await far();
  await master.ask('CONFIG', 'RESETSTAT');
  const searching = kernel.keys(ALL);
  await afterReads(5);
  line.swallow();
  await expect(searching).rejects.toThrow(StorageUnavailable);
  await near.put({ scope: 'team', key: '0-0' });
  line.restore();
  await expect.poll(async () => (await kernel.keys(ALL)).length).toBe(3999);
});

test('a connection that breaks while a scope is read, or what has changed in it, leaves nothing out', async () => {
  const { near, far, line } = await scene();
  for (let n = 0; n < 10; n++) await near.put(...entries(`${n}`, 400));
  const kernel = await far();
  const searched = async () => {
    await master.ask('CONFIG', 'RESETSTAT');
    const searching = kernel.keys(ALL);
    for (const reads of [1, 4, 6]) {
      await afterReads(reads);
      line.cut();
    }
    return new Set(await searching);
  };
  expect((await searched()).size).toBe(4000);
  for (let n = 10; n < 20; n++) await near.put(...entries(`${n}`, 400));
  expect((await searched()).size).toBe(8000);
});

test('when another server takes over, what it does not have is not found, and what it has is', async () => {
  const { near, far, part, failOver } = await scene();
  await near.put(...entries('kept', 2), ...entries('also', 1));
  const kernel = await far();
  await kernel.keys(ALL);
  await part();
  await near.put(...entries('lost', 2), { scope: 'team', key: 'also-0' });
  expect(await kernel.keys(ALL)).toEqual(['kept-0', 'kept-1', 'lost-0', 'lost-1']);
  failOver();
  expect(await kernel.keys(ALL)).toEqual(['also-0', 'kept-0', 'kept-1']);
  await kernel.put(...entries('new', 1));
  expect(await kernel.keys(ALL)).toEqual(['also-0', 'kept-0', 'kept-1', 'new-0']);
});

test('when it takes over while a scope is being read, all of it is read over there', async () => {
  const { near, far, part, failOver } = await scene();
  for (let n = 0; n < 10; n++) await near.put(...entries(`kept-${n}`, 400));
  const kernel = await far();
  await part();
  for (let n = 0; n < 10; n++) await near.put(...entries(`a-lost-${n}`, 400));
  await master.ask('CONFIG', 'RESETSTAT');
  const searching = kernel.keys(ALL);
  await afterReads(5);
  failOver();
  const found = await searching;
  expect(found.length).toBe(4000);
  expect(found.filter((key) => key.startsWith('a-lost'))).toEqual([]);
});
