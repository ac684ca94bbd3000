/** Rollbacks that are cut off, and what others may do meanwhile. */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { Store, Unit } from '../core/store.ts';
import { Hive } from '../testing/hive.ts';
import { before } from '../testing/meddling.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import { Scribe } from '../testing/scribe.ts';
import { Checkpoints } from './checkpoints.ts';
import { ROLLING } from './decide/rolling.ts';

const TASKS = 450;

/** The first checkpoint is `c`, those after it are `c2`, `c3`, and so on. */
function checkpointsOf({ store, batcher, clock }: Pipeline): Checkpoints {
  const rules = { keep: 20, everyMs: null };
  let made = 0;
  const newId = () => (++made === 1 ? 'c' : `c${made}`);
  return new Checkpoints({ store, batcher, clock, rules, newId, onRolledBack: async () => undefined });
}

/** A colony with a checkpoint of which a rollback takes several pages: each of its tasks has changed. */
async function scene() {
  const hive = await Hive.begin();
  const { pipeline } = hive;
  const { wall } = pipeline.clock.now();
  await hive.hire('maya', 3);
  const tasks = Array.from({ length: TASKS }, (_, n) => newTask(`t${n}`, {}, wall));
  await hive.do({ kind: 'submit', actor: 'ann', tasks });
  await hive.claim('maya', 2);
  const checkpoints = checkpointsOf(pipeline);
  await checkpoints.create(null, 'ann');
  for (const { id } of tasks) if (id !== 't0') await hive.cancel(id);
  await hive.submit('new');
  await hive.claim('maya', 1);
  return { hive, pipeline, checkpoints };
}

/** The store's `n`-th commit from now on fails, as if the kernel had been killed before or after it. */
function dieAt(store: Store, n: number, when: 'before' | 'after'): () => void {
  const real = store.commit.bind(store);
  let count = 0;
  store.commit = async (...args) => {
    count++;
    if (count > n || (count === n && when === 'before')) throw new StorageUnavailable('killed');
    const committed = await real(...args);
    if (count === n) throw new StorageUnavailable('killed');
    return committed;
  };
  return () => {
    store.commit = real;
  };
}

test.each([1, 2, 3, 4, 5, 6, 7].flatMap((n) => [[n, 'before'] as const, [n, 'after'] as const]))(
  'a rollback that is cut off at its commit %i, %s it, is brought to its end',
  async (n, when) => {
    const { pipeline, checkpoints } = await scene();
    const { store } = pipeline;
    const foreseen = await checkpoints.figures((await checkpoints.find('c'))!);
    expect(foreseen.tasks).toEqual({ restored: TASKS - 1, removed: 1, requeued: 1 });
    const revive = dieAt(store, n, when);
    const cut = await checkpoints.rollback('c', 'ann').catch((error: unknown) => error);
    revive();
    expect(cut).toBeInstanceOf(StorageUnavailable);
    // Another kernel, that knows of nothing.
    const again = new Pipeline(store, {}, undefined, pipeline.clock);
    const after = checkpointsOf(again);
    const isBegun = n > 1 || when === 'after';
    if (isBegun) await after.resume();
    else await after.rollback('c', 'ann');
    expect(await store.survey()).toMatchObject({
      tasks: { queued: TASKS, cancelled: 0, executing: 0 },
      saving: { rolling: false },
    });
    expect(await store.task('new')).toBeNull();
    const [entry] = await store.ledger.query({ type: 'rollback_completed', limit: 9 });
    expect(JSON.parse(entry!.data)).toMatchObject({ checkpoint_id: 'c', ...foreseen.tasks });
    expect((await store.ledger.query({ type: 'rollback_completed', limit: 9 })).length).toBe(1);
    expect(await again.run({ kind: 'claim', actor: 'worker:maya', workerId: 'maya', max: 1 })).toMatchObject({
      assignments: [{ task: { id: 't0' } }],
    });
  },
);

test('while a rollback is under way everybody else is told to come again', async () => {
  const { hive, pipeline, checkpoints } = await scene();
  const revive = dieAt(pipeline.store, 2, 'before');
  await checkpoints.rollback('c', 'ann').catch(() => undefined);
  revive();
  const refused = await new Pipeline(pipeline.store, {}, undefined, pipeline.clock).run({
    ...{ kind: 'submit', actor: 'ann', tasks: [newTask('late', {}, 0)] },
  });
  expect(refused).toMatchObject({ code: 'storage_unavailable', retryAfterSeconds: 1 });
  expect(await checkpoints.create(null, 'ann')).toBeInstanceOf(Refusal);
  expect(await checkpoints.remove('c', 'ann')).toBeInstanceOf(Refusal);
  expect(await hive.pipeline.store.task('late')).toBeNull();
  await checkpoints.resume();
  await hive.submit('late');
});

test('between the pages of a rollback others have their turn', async () => {
  const { pipeline, checkpoints } = await scene();
  const { store } = pipeline;
  const commit = store.commit.bind(store);
  let pages = 0;
  store.commit = async (units, ...rest) => {
    const committed = await commit(units, ...rest);
    if (units.some(({ events, puts }) => events.length === 0 && puts.some(({ kind }) => kind === 'task'))) pages++;
    return committed;
  };
  /** After how many pages somebody else had a turn, and was answered. */
  const turns = new Set<number>();
  let isOver = false;
  const others = (async () => {
    while (!isOver) {
      await setImmediate();
      const seen = pages;
      if (await store.task('t0')) turns.add(seen);
    }
  })();
  await checkpoints.rollback('c', 'ann');
  isOver = true;
  await others;
  expect(pages).toBe(3);
  for (const page of [1, 2]) expect(turns).toContain(page);
});

test('who wants to change something while records are taken back is told to come again, and does not wait for the end', async () => {
  const { hive, pipeline, checkpoints } = await scene();
  const { store } = pipeline;
  const late = { kind: 'submit', actor: 'ann', tasks: [newTask('late', {}, 0)] } as const;
  let answer: Promise<unknown> | undefined;
  const order: string[] = [];
  const isPage = ([unit]: readonly Unit[]) =>
    unit!.events.length === 0 && unit!.puts.some(({ kind }) => kind === 'task');
  const ask = async () => {
    answer = pipeline.run(late).finally(() => order.push('answered'));
  };
  before(store, 'commit', ask, isPage);
  await checkpoints.rollback('c', 'ann');
  order.push('over');
  expect(await answer).toBe(ROLLING);
  expect(order).toEqual(['answered', 'over']);
  expect(await store.task('late')).toBeNull();
  await hive.do(late);
});

test('what no checkpoint needs any more is let go', async () => {
  const { hive, pipeline, checkpoints } = await scene();
  const kept = async () => (await pipeline.store.saved({ since: 0, limit: 1000 })).items.length;
  expect(await kept()).toBe(TASKS);
  await checkpoints.remove('c', 'ann');
  expect((await pipeline.store.survey()).saving).toBeNull();
  for (let n = 0; n < 4; n++) await checkpoints.tend(pipeline.clock.now().wall);
  expect(await kept()).toBe(0);
  await hive.submit('after');
  expect(await kept()).toBe(0);
});

test('nothing is kept for ever when there is no checkpoint, whoever has left it like that', async () => {
  const { pipeline, checkpoints } = await scene();
  const { store, clock } = pipeline;
  const prev = (await store.document('checkpoint', 'c'))!;
  await new Scribe(store).commit({ puts: [{ kind: 'document', prev, next: null }], events: [] });
  const { number } = (await store.survey()).saving!;
  for (let n = 0; n < 4; n++) await checkpoints.tend(clock.now().wall);
  expect((await store.survey()).saving).toBeNull();
  expect((await store.saved({ since: 0, limit: 1000 })).items).toEqual([]);
  clock.jump(-60_000);
  expect(await checkpoints.create(null, 'ann')).toMatchObject({ number: number + 1 });
});

test('nothing is let go when another kernel has made a checkpoint since it was decided that nobody needs it', async () => {
  const { pipeline, checkpoints } = await scene();
  const { store } = pipeline;
  await checkpoints.remove('c', 'ann');
  const number = pipeline.clock.now().wall + 1;
  before(store, 'forgetSaved', () => new Scribe(store).save({ number, rolling: false }));
  await checkpoints.tend(pipeline.clock.now().wall);
  expect((await store.saved({ since: 0, limit: 1000 })).items).toHaveLength(TASKS);
});

test('numbers are never used again, also when there was no checkpoint and the clock was put back', async () => {
  const { hive, pipeline, checkpoints } = await scene();
  const { store } = pipeline;
  await checkpoints.remove('c', 'ann');
  pipeline.clock.jump(-60_000);
  const made = await checkpoints.create(null, 'ann');
  if (made instanceof Refusal) throw new Error(made.detail);
  expect((await store.saved({ since: made.number, limit: 1000 })).items).toEqual([]);
  await hive.submit('after');
  for (let n = 0; n < 4; n++) await checkpoints.tend(pipeline.clock.now().wall);
  expect((await store.saved({ since: 0, limit: 1000 })).items.map(({ id }) => id)).toEqual(['after']);
});

test('a vote that goes and comes back has a version that it never had before', async () => {
  const hive = await Hive.begin();
  const checkpoints = checkpointsOf(hive.pipeline);
  const { store } = hive.pipeline;
  const version = async () => (await store.document('vote', 'risky'))!.version;
  await checkpoints.create('before', 'ann');
  await hive.submit('risky', { constraints: { safety_level: 'critical' } });
  await checkpoints.create('open', 'ann');
  await hive.cancel('risky');
  let highest = await version();
  for (const id of ['c', 'c2', 'c', 'c2']) {
    await checkpoints.rollback(id, 'ann');
    if (id === 'c') expect(await store.document('vote', 'risky')).toBeNull();
    else {
      expect(await version()).toBeGreaterThan(highest);
      highest = await version();
    }
  }
  expect(await hive.cancel('risky')).toMatchObject({ task: { status: 'cancelled' } });
});

/** Retention removes all that has ended by now. */
async function removeEnded({ store, clock }: Pipeline): Promise<void> {
  await clock.advance(1);
  await store.prune({ endedBefore: clock.now().wall, ledgerBefore: null, idempotencyBefore: 0 }, 100);
}

test('back, and forward again: what depends on a task that retention had removed by then goes on', async () => {
  const hive = await Hive.begin();
  const { pipeline } = hive;
  const { store } = pipeline;
  const checkpoints = checkpointsOf(pipeline);
  const standing = async () => (await store.load({ tasks: ['d'] })).tasks.get('d');
  await hive.hire('maya');
  await checkpoints.create('before', 'ann');
  await hive.submit('d');
  await checkpoints.create('waiting', 'ann');
  await hive.submit('r', { depends_on: ['d'] });
  await hive.complete(await hive.take('maya'));
  await removeEnded(pipeline);
  await checkpoints.create('removed', 'ann');
  expect(await standing()).toEqual({ id: 'd', removed: true, status: 'completed' });

  await checkpoints.rollback('c2', 'ann');
  expect(await hive.task('d')).toMatchObject({ status: 'queued' });
  await checkpoints.create('back', 'ann');
  // It ends otherwise this time, and is removed again.
  await hive.fail(await hive.take('maya'), false);
  await removeEnded(pipeline);
  expect(await standing()).toEqual({ id: 'd', removed: true, status: 'failed' });

  for (const way of [['c3'], ['c2', 'c3'], ['c', 'c3'], ['c', 'c2', 'c3'], ['c4', 'c', 'c3']]) {
    for (const id of way) {
      const foreseen = await checkpoints.figures((await checkpoints.find(id))!);
      expect(await checkpoints.rollback(id, 'ann')).toEqual(foreseen);
      expect((await checkpoints.differences((await checkpoints.find(id))!, null, 100)).items).toEqual([]);
      if (id === 'c') expect(await standing()).toBeNull();
    }
    expect(await standing()).toEqual({ id: 'd', removed: true, status: 'completed' });
  }
  await hive.submit('y', { depends_on: ['d'] });
  expect(await hive.task('y')).toMatchObject({ status: 'queued' });
  await hive.cancel('r');
  await hive.retry('r');
  expect(await hive.task('r')).toMatchObject({ status: 'queued' });
});

test('what was handed in after a checkpoint has never been, also when retention has removed it since', async () => {
  const hive = await Hive.begin();
  const { pipeline } = hive;
  const checkpoints = checkpointsOf(pipeline);
  await hive.hire('maya');
  await checkpoints.create(null, 'ann');
  await hive.submit('d');
  await hive.complete(await hive.take('maya'));
  await removeEnded(pipeline);
  expect(await checkpoints.rollback('c', 'ann')).toMatchObject({ tasks: { restored: 0, removed: 0 } });
  const late = newTask('late', { depends_on: ['d'] }, pipeline.clock.now().wall);
  expect(await hive.refused({ kind: 'submit', actor: 'ann', tasks: [late] })).toBe('validation_failed');
});
