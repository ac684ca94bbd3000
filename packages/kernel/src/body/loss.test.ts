/** What a kernel does when its store has lost what it had acknowledged. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { InMemoryBus } from '../bus/in-memory.ts';
import { StorageUnavailable } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import { RedisStore } from '../store/redis/store.ts';
import { openFreshStore } from '../testing/fresh-store.ts';
import { Pipeline } from '../testing/pipeline.ts';
import { RedisServer } from '../testing/redis-server.ts';
import { Scribe } from '../testing/scribe.ts';
import { bee, submit } from '../testing/waiting-bee.ts';
import { range } from '../testing/watching.ts';
import { EventRelay } from './event-relay.ts';
import { Presence } from './presence.ts';
import { Recovery } from './recovery.ts';
import { TaskWaiters } from './task-waiters.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function begin(opening: Promise<Store> = openFreshStore()) {
  const store = await opening;
  onTestFinished(() => store.close());
  const pipeline = new Pipeline(store);
  const { batcher, clock, dispatcher } = pipeline;
  const taskWaiters = new TaskWaiters(store, clock);
  const state = { stopping: false };
  const recovery = new Recovery({
    ...{ store, batcher, clock, dispatcher, taskWaiters, presence: new Presence(10_000) },
    relay: new EventRelay(
      () => store.ledger,
      new InMemoryBus(),
      () => undefined,
    ),
    kick: () => batcher.kick(),
    isStopping: () => state.stopping,
  });
  return Object.assign(state, { store, pipeline, recovery, taskWaiters });
}

const fills = (pipeline: Pipeline) =>
  pipeline.happened.map(({ entries }) => entries.filter(({ type }) => type === 'rollback_completed').length);

test('the numbers that were lost are filled, and one beyond them', async () => {
  const { store, pipeline, recovery } = await begin();
  await pipeline.run(submit('a'));
  await recovery.resync(7);
  const entries = await store.ledger.read(0, 100);
  expect(entries.map(({ id }) => id)).toEqual(range(1, 8));
  expect(entries.slice(2).every(({ type }) => type === 'rollback_completed')).toBe(true);
  expect(entries.slice(2).map(({ data }) => JSON.parse(data))).toContainEqual({ lost_up_to: 7, reason: 'failover' });
});

test('a loss that others have gone beyond by now is told all the same', async () => {
  const { store, pipeline, recovery } = await begin();
  await pipeline.run(submit('a', 'b', 'c'));
  await recovery.resync(2);
  expect((await store.ledger.read(6, 100)).map(({ type }) => type)).toEqual(['rollback_completed']);
});

test('many numbers are filled a few at a time, and others are served in between', async () => {
  const { store, pipeline, recovery } = await begin();
  const filled = recovery.resync(20_000);
  let done = false;
  void filled.then(() => {
    done = true;
  });
  for (let n = 0; n < 5; n++) await pipeline.run(submit(`t${n}`));
  expect(done).toBe(false);
  await filled;
  expect(Math.max(...fills(pipeline))).toBeLessThanOrEqual(256);
  expect(await store.ledger.span()).toMatchObject({ first: 1, last: 20_001 });
  expect(await store.ledger.verify()).toMatchObject({ valid: true, entries: 20_001 });
});

test('a filling that the store broke off goes on where it was', async () => {
  const { store, pipeline, recovery } = await begin();
  const commit = store.commit.bind(store);
  const spy = vi.spyOn(store, 'commit');
  for (let n = 0; n < 3; n++) spy.mockImplementationOnce(commit);
  spy.mockRejectedValueOnce(new StorageUnavailable('gone'));
  await expect(recovery.resync(2000)).rejects.toThrow('gone');
  expect((await store.ledger.span()).last).toBe(3 * 256);
  await recovery.resync(2000);
  expect((await store.ledger.span()).last).toBe(2001);
  expect(fills(pipeline).reduce((sum, n) => sum + n)).toBe(2001);
});

test('a kernel that stops leaves off filling', async () => {
  const it = await begin();
  const filled = it.recovery.resync(100_000);
  it.stopping = true;
  await filled;
  expect((await it.store.ledger.span()).last).toBe(256);
});

test('two kernels that notice one loss fill it together', async () => {
  const colony = randomUUID();
  const open = () => RedisStore.open({ url: server.url, colony });
  const [one, other] = [await begin(open()), await begin(open())];
  await Promise.all([one.recovery.resync(5000), other.recovery.resync(4990)]);
  const { last } = await one.store.ledger.span();
  expect(last).toBeGreaterThan(5000);
  expect(last).toBeLessThanOrEqual(5001 + 256);
  expect((await other.store.ledger.read(0, 10_000)).map(({ id }) => id)).toEqual(range(1, last));
  expect(await one.store.ledger.verify()).toMatchObject({ valid: true, entries: last });
});

test('invariant 18: who waits is looked after once the loss is told, although nobody heard of what happened', async () => {
  const { store, pipeline, recovery, taskWaiters } = await begin();
  const scribe = new Scribe(store);
  const awaited = await scribe.add({ requirements: { capability: 'something else' } });
  const waiting = taskWaiters.wait(awaited.id, 60_000, new AbortController().signal);
  const maya = await bee(pipeline, 'maya', 1);
  await pipeline.batcher.settled();
  // As under numbers that a listener has passed already.
  const ended = await scribe.change(awaited, { status: 'completed' });
  const added = await scribe.add({ requirements: { capability: 'dig' } });
  await recovery.resync(20);
  await pipeline.batcher.settled();
  expect(await waiting).toMatchObject({ id: ended.id, status: 'completed' });
  expect(maya.given()).toEqual([added.id]);
});

test('who waits for a task that is gone waits no longer', async () => {
  const { store, pipeline, recovery, taskWaiters } = await begin();
  await pipeline.run(submit('a'));
  const waiting = taskWaiters.wait('a', 60_000, new AbortController().signal);
  vi.spyOn(store, 'task').mockResolvedValue(null);
  await recovery.catchUp();
  expect(await waiting).toBeNull();
});
