/** Whatever becomes of the server it follows, a bus goes on: with what is there then. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { RedisStore } from '../store/redis/store.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { Ear } from '../testing/bus-conformance.ts';
import { RedisServer } from '../testing/redis-server.ts';
import { about, DAWN } from '../testing/scribe.ts';
import { TcpProxy } from '../testing/tcp-proxy.ts';
import { RedisBus } from './redis.ts';
import { RedisPublisher } from './redis-publisher.ts';

const SOON = { timeout: 5000 };

let server: RedisServer;
let other: RedisServer;
beforeAll(async () => {
  [server, other] = await Promise.all([RedisServer.start(), RedisServer.start()]);
});
afterAll(async () => {
  await Promise.all([server.stop(), other.stop()]);
});

/** Entries about these tasks, in one row of the ledger. */
function say(...ids: string[]) {
  return [{ puts: [], events: ids.map((id) => about({ id })) }];
}

async function open(url: string, colony: string): Promise<RedisStore> {
  const store = await RedisStore.open({ url, colony });
  onTestFinished(() => store.close());
  return store;
}

async function follow(url: string, colony: string): Promise<{ bus: RedisBus; ear: Ear }> {
  const bus = await RedisBus.open({ url, colony }, 'a');
  onTestFinished(() => bus.close());
  const ear = new Ear();
  bus.subscribe(ear);
  return { bus, ear };
}

test('a master that becomes a replica while the bus waits on it, and a master again, costs no entry', async () => {
  const colony = randomUUID();
  const store = await open(server.url, colony);
  const { bus, ear } = await follow(server.url, colony);
  await store.commit(say('t1'), DAWN);
  await vi.waitFor(() => expect(ear.ids).toEqual([1]));
  const waiting = async () => expect(await server.ask('CLIENT', 'LIST')).toMatch(/flags=b.*cmd=xread/);
  await vi.waitFor(waiting);
  await server.ask('REPLICAOF', '127.0.0.1', '1');
  await server.ask('REPLICAOF', 'NO', 'ONE');
  await store.commit(say('t2'), DAWN);
  await vi.waitFor(() => expect(ear.ids).toEqual([1, 2]), SOON);
  expect(bus.problem).toBeNull();
});

test('an answer that makes no sense does not end a bus: it is its problem until it passes', async () => {
  const colony = randomUUID();
  const [ledger, aside] = [`{${colony}}:ledger`, `{${colony}}:aside`];
  const store = await open(server.url, colony);
  const { bus, ear } = await follow(server.url, colony);
  await store.commit(say('t1'), DAWN);
  await vi.waitFor(() => expect(ear.ids).toEqual([1]));
  await server.ask('RENAME', ledger, aside);
  await server.ask('SET', ledger, 'no stream');
  await vi.waitFor(() => expect(bus.problem).toMatch(/WRONGTYPE/), SOON);
  await server.ask('RENAME', aside, ledger);
  await store.commit(say('t2'), DAWN);
  await vi.waitFor(() => expect(ear.ids).toEqual([1, 2]), SOON);
  expect(bus.problem).toBeNull();
});

test('neither does it end a bus that only lets others read along', async () => {
  const colony = randomUUID();
  const [stream, aside] = [`{${colony}}:events`, `{${colony}}:aside`];
  const store = await SqliteStore.open({ path: ':memory:' });
  const bus = await RedisPublisher.open({ url: server.url, colony, ledger: () => store.ledger });
  onTestFinished(async () => {
    await bus.close();
    await store.close();
  });
  const length = async () => Number(await server.ask('XLEN', stream));
  bus.publish((await store.commit(say('t1'), DAWN)).entries);
  await vi.waitFor(async () => expect(await length()).toBe(1));
  await server.ask('RENAME', stream, aside);
  await server.ask('SET', stream, 'no stream');
  bus.publish((await store.commit(say('t2'), DAWN)).entries);
  await vi.waitFor(() => expect(bus.problem).toMatch(/WRONGTYPE/), SOON);
  await server.ask('RENAME', aside, stream);
  await vi.waitFor(async () => expect(await length()).toBe(2), SOON);
  await vi.waitFor(() => expect(bus.problem).toBeNull());
});

/** A bus that has heard of one entry at one server, and is cut off it; what it is led to then is another server. */
async function aboutToMove() {
  const colony = randomUUID();
  let serving = server;
  const line = await TcpProxy.start(() => serving.port);
  onTestFinished(() => line.stop());
  const [here, there] = [await open(server.url, colony), await open(other.url, colony)];
  for (const store of [here, there]) await store.commit(say('t1'), DAWN);
  const { bus, ear } = await follow(`redis://127.0.0.1:${line.port}`, colony);
  await here.commit(say('kept'), DAWN);
  await there.commit(say('kept'), DAWN);
  await vi.waitFor(() => expect(ear.ids).toEqual([2]));
  line.swallow();
  const move = () => {
    serving = other;
    line.restore();
  };
  return { here, there, bus, ear, move };
}

test('after a failover events are those of the new server, also under numbers that were given before', async () => {
  const { here, there, bus, ear, move } = await aboutToMove();
  bus.publish((await here.commit(say('lost'), DAWN)).entries);
  await there.commit(say('new'), DAWN);
  move();
  await vi.waitFor(() => expect(ear.ids).toEqual([2, 3]), SOON);
  expect(ear.heard.at(-1)!.taskId).toBe('new');
  expect(ear.fromHere.at(-1)).toBe(false);
});

test.each([
  ['a row of another length', ['lost', 'lost as well']],
  ['one of the same length', ['lost']],
])('what was committed before a failover and told after it is not taken for %s', async (_, lost) => {
  const { here, there, bus, ear, move } = await aboutToMove();
  await here.commit(say('lost'), DAWN);
  const { entries } = await here.commit(say(...lost), DAWN);
  move();
  await there.commit(say('first'), DAWN);
  await vi.waitFor(() => expect(ear.ids).toEqual([2, 3]), SOON);
  bus.publish(entries);
  await there.commit(say('new'), DAWN + 1);
  await vi.waitFor(() => expect(ear.ids).toEqual([2, 3, 4]), SOON);
  expect(ear.heard.at(-1)!.taskId).toBe('new');
  expect(ear.fromHere.at(-1)).toBe(false);
});
