/** What every bus must do, done by each; and what those do that go over Redis. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { wireEvent } from '../core/wire-event.ts';
import { RedisConnection } from '../redis/connection.ts';
import { RedisStore } from '../store/redis/store.ts';
import { SqliteStore } from '../store/sqlite/store.ts';
import { Ear, exerciseBus, PROGRESS } from '../testing/bus-conformance.ts';
import { RedisServer } from '../testing/redis-server.ts';
import { about, DAWN } from '../testing/scribe.ts';
import { InMemoryBus } from './in-memory.ts';
import { RedisBus } from './redis.ts';
import { RedisPublisher } from './redis-publisher.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

const inMemory = () => SqliteStore.open({ path: ':memory:' });

exerciseBus('in memory', { open: async () => ({ bus: new InMemoryBus(), store: await inMemory() }) });

exerciseBus('on the ledger in Redis', {
  async open() {
    const at = { url: server.url, colony: randomUUID() };
    return { bus: await RedisBus.open(at, 'a'), store: await RedisStore.open(at) };
  },
});

exerciseBus('in memory, and to Redis for others', {
  async open() {
    const store = await inMemory();
    const at = { url: server.url, colony: randomUUID() };
    return { bus: await RedisPublisher.open({ ...at, ledger: () => store.ledger }), store };
  },
});

function say(count: number) {
  return [{ puts: [], events: Array.from({ length: count }, (_, n) => about({ id: `t${n}` })) }];
}

test('kernels on one ledger hear of each other, and know what is from elsewhere, whoever publishes', async () => {
  const at = { url: server.url, colony: randomUUID() };
  const store = await RedisStore.open(at);
  const [a, b] = [await RedisBus.open(at, 'a'), await RedisBus.open(at, 'b')];
  onTestFinished(async () => {
    await Promise.all([a.close(), b.close(), store.close()]);
  });
  const [atA, atB] = [new Ear(), new Ear()];
  a.subscribe(atA);
  b.subscribe(atB);
  a.publish((await store.commit(say(2), DAWN)).entries);
  // Its answer got lost: nobody publishes these, and everybody hears of them.
  await store.commit(say(1), DAWN);
  b.publish((await store.commit(say(1), DAWN)).entries);
  for (const ear of [atA, atB]) await vi.waitFor(() => expect(ear.ids).toEqual([1, 2, 3, 4]));
  // What others committed is never taken for one's own; the other way round it may happen, and does no harm.
  expect([atA.fromHere.slice(1), atB.fromHere.slice(0, 2)]).toEqual([
    [false, false],
    [false, false],
  ]);
  a.publishEphemeral(PROGRESS);
  await vi.waitFor(() => expect(atB.passing).toEqual([PROGRESS]));
});

test('a bus that lost its connection goes on where it was', async () => {
  const own = await RedisServer.start();
  onTestFinished(() => own.stop());
  const at = { url: own.url, colony: 'c' };
  const [store, bus] = [await RedisStore.open(at), await RedisBus.open(at, 'a')];
  onTestFinished(async () => {
    await Promise.all([bus.close(), store.close()]);
  });
  const ear = new Ear();
  bus.subscribe(ear);
  await store.commit(say(2), DAWN);
  await vi.waitFor(() => expect(ear.ids).toEqual([1, 2]));
  await own.kill();
  await vi.waitFor(() => expect(bus.problem).toMatch(/Redis/), { timeout: 5000 });
  await own.start();
  await store.commit(say(3), DAWN);
  await vi.waitFor(() => expect(ear.ids).toEqual([1, 2, 3, 4, 5]), { timeout: 5000 });
  expect(bus.problem).toBeNull();
});

/** A kernel on SQLite whose events others read. */
async function publisher(redis: RedisServer, colony: string, store: SqliteStore): Promise<RedisPublisher> {
  const bus = await RedisPublisher.open({ url: redis.url, colony, ledger: () => store.ledger });
  onTestFinished(() => bus.close());
  return bus;
}

/** What readers elsewhere find in the stream: ids and events. */
async function stream(redis: RedisServer, colony: string): Promise<[string, string][]> {
  const reader = new RedisConnection({ url: redis.url }, 'any');
  try {
    const messages = (await reader.send('XRANGE', `{${colony}}:events`, '-', '+')) as [string, [string, string]][];
    return messages.map(([id, [, event]]) => [id, event]);
  } finally {
    reader.close();
  }
}

test('readers elsewhere find each event under its number, as watchers see it', async () => {
  const store = await inMemory();
  await store.commit(say(2), DAWN);
  const colony = randomUUID();
  const bus = await publisher(server, colony, store);
  const { entries } = await store.commit(say(2), DAWN);
  bus.publish(entries);
  const expected = entries.map((entry) => [`${entry.id}-0`, wireEvent(entry)]);
  await vi.waitFor(async () => expect(await stream(server, colony)).toEqual(expected));
});

test('an outage, a restart and a crash before publishing leave no gap and no repeat in the stream', async () => {
  const own = await RedisServer.start();
  onTestFinished(() => own.stop());
  const store = await inMemory();
  const first = await publisher(own, 'c', store);
  const ids = async () => (await stream(own, 'c')).map(([id]) => id);
  first.publish((await store.commit(say(1), DAWN)).entries);
  await vi.waitFor(async () => expect(await ids()).toEqual(['1-0']));
  await own.kill();
  first.publish((await store.commit(say(1), DAWN)).entries);
  await vi.waitFor(() => expect(first.problem).toMatch(/Redis/), { timeout: 5000 });
  await own.start();
  await vi.waitFor(async () => expect(await ids()).toEqual(['1-0', '2-0']), { timeout: 5000 });
  expect(first.problem).toBeNull();
  await first.close();
  await store.commit(say(2), DAWN);
  await publisher(own, 'c', store);
  await vi.waitFor(async () => expect(await ids()).toEqual(['1-0', '2-0', '3-0', '4-0']));
});

test('a stream of another ledger is begun anew', async () => {
  const colony = randomUUID();
  const [long, short] = [await inMemory(), await inMemory()];
  const first = await publisher(server, colony, long);
  first.publish((await long.commit(say(5), DAWN)).entries);
  await vi.waitFor(async () => expect(await stream(server, colony)).toHaveLength(5));
  await first.close();
  await short.commit(say(2), DAWN);
  const second = await publisher(server, colony, short);
  second.publish((await short.commit(say(1), DAWN)).entries);
  await vi.waitFor(async () => expect((await stream(server, colony)).map(([id]) => id)).toEqual(['3-0']));
});
