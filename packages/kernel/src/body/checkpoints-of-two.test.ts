/** Two kernels that make, delete and go back to checkpoints of one colony at the same time. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { Unit } from '../core/store.ts';
import { after, before } from '../testing/meddling.ts';
import { RedisServer } from '../testing/redis-server.ts';
import { bodyAt } from '../testing/two-bodies.ts';
import { Checkpoints } from './checkpoints.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

async function kernelAt(colony: string) {
  const { hive, store } = await bodyAt(server.url, colony);
  const { batcher, clock } = hive.pipeline;
  const rules = { keep: 20, everyMs: null };
  const hooks = { onRolledBack: async () => {} };
  const checkpoints = new Checkpoints({
    store,
    batcher,
    clock,
    rules,
    newId: randomUUID,
    onRolledBack: () => hooks.onRolledBack(),
  });
  const create = async () => {
    const made = await checkpoints.create(null, 'ann');
    if (made instanceof Refusal) throw made;
    return made.id;
  };
  return { hive, store, checkpoints, create, hooks };
}

async function two() {
  const colony = randomUUID();
  return { one: await kernelAt(colony), other: await kernelAt(colony) };
}

test('when both of the last two are deleted at the same moment nothing is kept any more', async () => {
  const { one, other } = await two();
  const [first, second] = [await one.create(), await one.create()];
  before(one.store, 'commit', () => other.checkpoints.remove(second, 'ann'));
  expect(await one.checkpoints.remove(first, 'ann')).toBeNull();
  expect(await one.checkpoints.list()).toEqual([]);
  expect((await one.store.survey()).saving).toBeNull();
  const { length } = await one.store.ledger.query({ type: 'checkpoint_deleted', limit: 9 });
  expect(length).toBe(2);
  // Their numbers are not used again.
  const third = await other.checkpoints.find(await other.create());
  await one.hive.submit('late');
  expect((await one.store.saved({ since: third!.number, limit: 9 })).items.map(({ id }) => id)).toEqual(['late']);
});

test('who goes back is told what that came to, also when another kernel goes back to the same once more', async () => {
  const { one, other } = await two();
  await one.hive.submit('early');
  const id = await one.create();
  await one.hive.submit('late');
  let again: unknown;
  // Its own is over, and has not been answered yet.
  one.hooks.onRolledBack = async () => {
    await other.hive.cancel('early');
    await other.hive.submit('later');
    again = await other.checkpoints.rollback(id, 'bob');
  };
  expect(await one.checkpoints.rollback(id, 'ann')).toMatchObject({ tasks: { restored: 0, removed: 1 } });
  expect(again).toMatchObject({ tasks: { restored: 1, removed: 1 } });
});

test('who goes back is told what that came to, also when the checkpoint is deleted as soon as it is over', async () => {
  const { one, other } = await two();
  const id = await one.create();
  await one.hive.submit('late');
  one.hooks.onRolledBack = async () => {
    expect(await other.checkpoints.remove(id, 'bob')).toBeNull();
  };
  expect(await one.checkpoints.rollback(id, 'ann')).toMatchObject({ tasks: { restored: 0, removed: 1 } });
});

test('who cannot be told what it came to is not told that there is no such checkpoint', async () => {
  const { one, other } = await two();
  const id = await one.create();
  await one.hive.submit('late');
  // The other one is faster with all of it.
  after(
    one.store,
    'commit',
    async () => {
      await other.checkpoints.resume();
      expect(await other.checkpoints.remove(id, 'bob')).toBeNull();
    },
    ([unit]) => unit!.puts.some((put) => put.kind === 'saving' && put.next?.rolling === true),
  );
  await expect(one.checkpoints.rollback(id, 'ann')).rejects.toThrow('what it came to is in the ledger');
});

test('the figures of a rollback are those of all that it takes back, also of what another kernel did as it began', async () => {
  const { one, other } = await two();
  await one.hive.hire('maya', 9);
  await one.hive.submit('early');
  await one.hive.submit('held');
  await one.hive.cancel('early');
  await one.hive.claim('maya', 1);
  const id = await one.create();
  before(one.store, 'commit', async () => {
    await other.hive.submit('late');
    await other.hive.retry('early');
  });
  const figures = await one.checkpoints.rollback(id, 'ann');
  expect(figures).toMatchObject({ tasks: { restored: 1, removed: 1, requeued: 1 } });
  expect(await one.store.task('late')).toBeNull();
  const [entry] = await one.store.ledger.query({ type: 'rollback_completed', limit: 9 });
  expect(JSON.parse(entry!.data)).toMatchObject({ restored: 1, removed: 1, requeued: 1 });
});

/** A rollback to a checkpoint before `late` was handed in is begun, and the kernel that began it does not go on. */
async function begun() {
  const { one, other } = await two();
  await one.hive.hire('maya', 9);
  await one.hive.submit('early');
  const id = await one.create();
  await one.hive.submit('late');
  after(one.store, 'commit', () => Promise.reject(new StorageUnavailable('cut off')));
  await expect(one.checkpoints.rollback(id, 'ann')).rejects.toThrow('cut off');
  return { one, other, id };
}

test('leases that were given out after a rollback stay, though another kernel is still about to revoke those of before', async () => {
  const { one, other } = await begun();
  await one.checkpoints.resume();
  const id = await one.create();
  await one.hive.claim('maya', 1);
  after(one.store, 'commit', () => Promise.reject(new StorageUnavailable('cut off')));
  await expect(one.checkpoints.rollback(id, 'ann')).rejects.toThrow('cut off');
  after(other.store, 'workers', async () => {
    await one.checkpoints.resume();
    await one.hive.claim('maya', 1);
  });
  await other.checkpoints.resume();
  expect(await one.store.task('early')).toMatchObject({ status: 'executing', worker: 'maya' });
  expect((await one.store.worker('maya'))!.holds).toEqual(['early']);
});

test('a rollback that another kernel helps along does not write into the next one', async () => {
  const { one, other, id } = await begun();
  // While the other one is about to write the first page, that rollback ends, and one to a later checkpoint begins.
  before(
    other.store,
    'commit',
    async () => {
      await one.checkpoints.resume();
      expect(await one.store.task('late')).toBeNull();
      await one.hive.submit('after');
      const next = await one.create();
      await one.hive.submit('last');
      after(one.store, 'commit', () => Promise.reject(new StorageUnavailable('cut off')));
      await expect(one.checkpoints.rollback(next, 'ann')).rejects.toThrow('cut off');
    },
    (units) => units.some(({ puts }) => puts.some((put) => put.kind === 'task' && put.next === null)),
  );
  await other.checkpoints.resume();
  expect(await one.store.task('after')).not.toBeNull();
  expect(await one.store.task('last')).toBeNull();
  const told = await one.store.ledger.query({ type: 'rollback_completed', limit: 9 });
  expect(told.map(({ data }) => (JSON.parse(data) as { removed: number }).removed)).toEqual([1, 1]);
  expect((await one.store.survey()).saving?.rolling).toBe(false);
  expect((await one.checkpoints.find(id))!.rolling).toBeNull();
});

test('nor does what it has read write into the next one', async () => {
  const { one, other } = await two();
  await one.hive.submit('x');
  const early = await one.create();
  await one.hive.cancel('x');
  const late = await one.create();
  const isPage = ([unit]: readonly Unit[]) => unit!.puts.some(({ kind }) => kind === 'task');
  before(one.store, 'commit', () => Promise.reject(new StorageUnavailable('cut off')), isPage);
  await expect(one.checkpoints.rollback(early, 'ann')).rejects.toThrow('cut off');
  const [written, rewound] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let next: Promise<unknown> = Promise.resolve();
  before(other.store, 'saved', async () => {
    await one.checkpoints.resume();
    const isEnd = ([unit]: readonly Unit[]) => unit!.events.some(({ type }) => type === 'rollback_completed');
    const wait = () => {
      rewound.resolve();
      return written.promise;
    };
    before(one.store, 'commit', wait, isEnd);
    next = one.checkpoints.rollback(late, 'ann');
    await rewound.promise;
  });
  after(other.store, 'commit', async () => written.resolve(), isPage);
  await Promise.all([other.checkpoints.resume(), rewound.promise.then(() => next)]);
  expect(await one.store.task('x')).toMatchObject({ status: 'cancelled' });
});

test('nor does it write into the next one to the same checkpoint', async () => {
  const { one, other, id } = await begun();
  before(
    other.store,
    'commit',
    async () => {
      await one.checkpoints.resume();
      await one.hive.submit('last');
      await one.hive.claim('maya', 9);
      after(one.store, 'commit', () => Promise.reject(new StorageUnavailable('cut off')));
      await expect(one.checkpoints.rollback(id, 'ann')).rejects.toThrow('cut off');
    },
    (units) => units.some(({ puts }) => puts.some((put) => put.kind === 'task' && put.next === null)),
  );
  await other.checkpoints.resume();
  const told = await one.store.ledger.query({ type: 'rollback_completed', limit: 9 });
  expect(told.map(({ data }) => (JSON.parse(data) as { removed: number }).removed)).toEqual([1, 1]);
  expect(await one.store.task('early')).toMatchObject({ status: 'queued' });
  expect((await one.store.worker('maya'))!.holds).toEqual([]);
});

test('a rollback that another kernel brings to its end between two looks is no fault', async () => {
  const { one, other } = await begun();
  after(other.store, 'survey', () => one.checkpoints.resume());
  await other.checkpoints.resume();
  expect((await other.store.survey()).saving?.rolling).toBe(false);
  expect(await other.store.ledger.query({ type: 'rollback_completed', limit: 9 })).toHaveLength(1);
  // Also as it is counted.
  const again = await begun();
  after(again.other.store, 'saved', () => again.one.checkpoints.resume());
  await again.other.checkpoints.resume();
  expect(await again.other.store.ledger.query({ type: 'rollback_completed', limit: 9 })).toHaveLength(1);
});
