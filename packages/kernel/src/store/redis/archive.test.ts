/** What is particular to a colony that arrives on Redis: its clock, its kernels, and servers that go away. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Piece } from '../../core/archive.ts';
import type { Task } from '../../core/task.ts';
import { RedisServer } from '../../testing/redis-server.ts';
import { Scribe } from '../../testing/scribe.ts';
import { SqliteStore } from '../sqlite/store.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function file(): Promise<Scribe> {
  const scribe = new Scribe(await SqliteStore.open({ path: ':memory:' }));
  onTestFinished(() => scribe.store.close());
  return scribe;
}

function closing<T extends { close(): Promise<void> }>(store: T): T {
  onTestFinished(() => store.close());
  return store;
}

async function alone(colony: string = randomUUID()): Promise<RedisStore> {
  return closing(await RedisStore.openAlone({ url: server.url, colony, clear: false }));
}

async function open(colony: string): Promise<RedisStore> {
  return closing(await RedisStore.open({ url: server.url, colony }));
}

const MINUTE = 60_000;
/** Between working out a time and looking at it, some passes. */
const A_WHILE = 5000;

test.each([
  ['what is left of its timeout', 10 * MINUTE, 4 * MINUTE, 6 * MINUTE],
  ['half a minute when less is left', 10 * MINUTE, 20 * MINUTE, 30_000],
  ['all of it when the clocks disagree', 10 * MINUTE, -4 * MINUTE, 10 * MINUTE],
])('a running attempt has %s', async (_, timeoutMs, spent, left) => {
  const scribe = await file();
  const fields: Partial<Task> = { status: 'executing', worker: 'bee-1', deadline: 17, startedAt: Date.now() - spent };
  const task = await scribe.add({ timeout_seconds: timeoutMs / 1000 }, fields);
  const store = await alone();
  await store.restore(scribe.store.dump());
  const { deadline } = (await store.task(task.id))!;
  const rest = deadline! - store.clock.now().steady;
  expect(rest).toBeLessThanOrEqual(left);
  expect(rest).toBeGreaterThan(left - A_WHILE);
  expect((await store.due({ wall: 0, steady: 0 }, 0)).nextDeadline).toBe(deadline);
});

test('a worker that is online has just been heard of, and one that is not is not waited for', async () => {
  const scribe = await file();
  await scribe.addWorker({ lastHeartbeat: 5 });
  await scribe.addWorker({ id: 'bee-2', offline: true });
  const store = await alone();
  await store.restore(scribe.store.dump());
  const seen = await store.fellows.lastSeen(['bee-1', 'bee-2']);
  expect([...seen.keys()]).toEqual(['bee-1']);
  expect(store.clock.now().wall - seen.get('bee-1')!).toBeLessThan(A_WHILE);
});

test('a Redis that is killed and started again in between loses nothing of what has arrived', async () => {
  const scribe = await file();
  for (let n = 0; n < 1300; n++) await scribe.add();
  const store = await alone();
  async function* interrupted(): AsyncGenerator<Piece> {
    for await (const piece of scribe.store.dump()) {
      if (piece.kind === 'task' && piece.task.id === 'task-700') {
        await server.kill();
        await server.start();
      }
      yield piece;
    }
  }
  await store.restore(interrupted());
  expect((await store.survey()).tasks.queued).toBe(1300);
  expect(await store.ledger.span()).toEqual(await scribe.store.ledger.span());
});

test('of two that would fill a colony one does', async () => {
  const [scribe, colony] = [await file(), randomUUID()];
  await scribe.add();
  const [one, other] = [await alone(colony), await alone(colony)];
  const outcomes = await Promise.allSettled([one, other].map((store) => store.restore(scribe.store.dump())));
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect((await one.survey()).tasks.queued).toBe(1);
});

test('whoever still fills a colony that somebody else clears is told, and writes no more', async () => {
  const [scribe, colony] = [await file(), randomUUID()];
  for (let n = 0; n < 600; n++) await scribe.add();
  async function* overtaken(): AsyncGenerator<Piece> {
    for await (const piece of scribe.store.dump()) {
      if (piece.kind === 'task' && piece.task.id === 'task-600') {
        closing(await RedisStore.openAlone({ url: server.url, colony, clear: true }));
      }
      yield piece;
    }
  }
  await expect((await alone(colony)).restore(overtaken())).rejects.toThrow('somebody else removed');
  expect((await (await alone(colony)).survey()).tasks.queued).toBe(0);
});

test('whoever is alone with a colony changes nothing by it, and finds out when a kernel was there', async () => {
  const colony = randomUUID();
  const store = await alone(colony);
  expect(await store.isUndisturbed()).toBe(true);
  expect(await store.fellows.lastSeen(['bee-1'])).toEqual(new Map());
  await open(colony);
  expect(await store.isUndisturbed()).toBe(false);
});

test('a colony whose kernel has just gone is nobody’s, and one whose kernel beats is not', async () => {
  const colony = randomUUID();
  const kernel = await open(colony);
  await expect(alone(colony)).resolves.toBeDefined();
  let stopped = false;
  const beating = (async () => {
    while (!stopped) await kernel.fellows.beat([], MINUTE);
  })();
  await expect(alone(colony)).rejects.toThrow(`kernels are running on colony ${colony}; stop them first`);
  stopped = true;
  await beating;
});

test('of what was not finished nothing is left when it is cleared, and of other colonies everything', async () => {
  const [scribe, colony] = [await file(), randomUUID()];
  await scribe.add({ tags: ['a'] });
  const neighbour = await open(`${colony}-2`);
  await neighbour.restore(scribe.store.dump());
  async function* beginning(): AsyncGenerator<Piece> {
    for await (const piece of scribe.store.dump()) if (piece.kind !== 'entries') yield piece;
  }
  await expect((await alone(colony)).restore(beginning())).rejects.toThrow('0 arrived where 1 were sent');
  await expect(alone(colony)).rejects.toThrow('not all of it arrived');
  const cleared = closing(await RedisStore.openAlone({ url: server.url, colony, clear: true }));
  expect((await cleared.tasks({ tag: 'a', limit: 9, maxBytes: 1e9 })).items).toEqual([]);
  await cleared.restore(scribe.store.dump());
  expect((await cleared.survey()).tasks.queued).toBe(1);
  expect((await neighbour.survey()).tasks.queued).toBe(1);
});
