/** Two kernels that make, delete and go back to checkpoints of one colony at the same time. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Refusal } from '../core/errors.ts';
import { before } from '../testing/meddling.ts';
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
  const checkpoints = new Checkpoints({
    store,
    batcher,
    clock,
    rules,
    newId: randomUUID,
    onRolledBack: async () => {},
  });
  const create = async () => {
    const made = await checkpoints.create(null, 'ann');
    if (made instanceof Refusal) throw made;
    return made.id;
  };
  return { hive, store, checkpoints, create };
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
