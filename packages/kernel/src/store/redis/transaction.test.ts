/** Where nobody else commits, commits are transactions; and are so again after one that had to be a script. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Hermit } from '../../testing/hermit.ts';
import { savedSince } from '../../testing/portrait.ts';
import { RedisServer } from '../../testing/redis-server.ts';
import { about, after, Scribe, update } from '../../testing/scribe.ts';
import { RedisStore } from './store.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

let colony: string;
beforeEach(() => {
  colony = randomUUID();
});

async function open(): Promise<RedisStore> {
  const store = await RedisStore.open({ url: server.url, colony });
  onTestFinished(() => store.close());
  return store;
}

/** How many of the commits that `act` makes are scripts. */
async function scripts(act: () => Promise<unknown>): Promise<number> {
  await server.ask('CONFIG', 'RESETSTAT');
  await act();
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server.ask('INFO', 'commandstats'))?.[1] ?? 0);
}

/** Alone, and known to be so: the first commits find it out, once there is a connection for transactions. */
async function hermit(): Promise<Hermit> {
  const alone = await Hermit.begin(await open());
  await vi.waitFor(async () => expect(await scripts(() => alone.add())).toBe(0), { timeout: 10_000 });
  return alone;
}

test('a commit after another is a transaction', async () => {
  const alone = await hermit();
  expect(await scripts(() => alone.add())).toBe(0);
});

test('a commit that must look at what is stored is a script, and the next is a transaction again', async () => {
  const alone = await hermit();
  const task = await alone.add();
  for (let round = 0; round < 3; round++) {
    expect(await scripts(() => alone.commit({ puts: [], events: [about(task)] }))).toBe(1);
    expect(await scripts(() => alone.add())).toBe(0);
  }
});

test('whoever was disturbed by another and is alone again goes back to transactions', async () => {
  const alone = await hermit();
  await new Scribe(await open()).commit({ puts: [], events: [about({ id: 'elsewhere' })] });
  await expect(alone.add()).rejects.toThrow('somebody else has committed');
  const again = await Hermit.begin(alone.store);
  const task = await again.add({}, { id: 'again' });
  expect(await scripts(() => again.change(task, { losses: 1 }))).toBe(0);
});

test('what keeps something for a checkpoint is a transaction, also when it was sent before that was answered', async () => {
  const alone = await hermit();
  const [task, next] = [await alone.add(), { number: 1, rolling: false }];
  const changed = after(task, { losses: 1 });
  const act = () =>
    Promise.all([
      alone.commit({ puts: [{ kind: 'saving', prev: null, next }], events: [] }),
      alone.commit(update(task, changed)),
      alone.add({}, { id: 'new' }),
      alone.addDocument(),
    ]);
  expect(await scripts(act)).toBe(0);
  const kept = (await savedSince(alone.store, 1)).map(({ id, saved }) => [id, saved !== null]);
  expect(kept).toEqual([
    ['vote vote-1', false],
    ['new', false],
    [task.id, true],
  ]);
  // Once it is kept nothing is sent for it any more.
  await server.ask('CONFIG', 'RESETSTAT');
  expect(await scripts(() => alone.change(changed, { losses: 2 }))).toBe(0);
  expect(await server.ask('INFO', 'commandstats')).not.toContain('hsetnx');
});

test('what is made of what is left of a task is a script', async () => {
  const alone = await hermit();
  const task = await alone.add();
  await alone.remove(task);
  await alone.add({}, { id: 'between' });
  const say = async () => alone.commit({ puts: [{ kind: 'remains', id: task.id, status: 'failed' }], events: [] });
  expect(await scripts(say)).toBe(1);
  const { tasks } = await alone.store.load({ tasks: [task.id] });
  expect(tasks.get(task.id)).toEqual({ id: task.id, removed: true, status: 'failed' });
});

test('what removes a task, or brings one back, is a script', async () => {
  const alone = await hermit();
  const task = await alone.add();
  expect(await scripts(() => alone.remove(task))).toBe(1);
  const next = after(task, {});
  expect(await scripts(() => alone.commit({ puts: [{ kind: 'task', prev: null, next }], events: [] }))).toBe(1);
  await alone.change(next, { losses: 1 });
  expect(await alone.store.ledger.query({ taskId: task.id, limit: 9 })).toHaveLength(2);
});
