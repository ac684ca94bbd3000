/** Ended tasks that are run again by hand, and those that hang on them. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Refusal } from '../core/errors.ts';
import { planFrom } from '../core/plan.ts';
import type { Task } from '../core/task.ts';
import { Hive } from '../testing/hive.ts';
import { loneKernel } from '../testing/lone-kernel.ts';
import { newTask } from '../testing/pipeline.ts';
import { planCommand } from '../testing/plan-command.ts';
import { type RetryMany, retryMany } from './retrying.ts';

const FORBIDDEN = { rules: [{ id: 'no', type: 'prohibited_pattern', action: 'reject', patterns: ['forbidden'] }] };

function forbid(hive: Hive): Promise<unknown> {
  return hive.do({ kind: 'set_policy', actor: 'ann', policy: FORBIDDEN, expected: null });
}

test('what was told to run again and waits falls when what it waits for is rejected by its second judgement', async () => {
  const hive = await Hive.begin();
  await hive.hire('bee');
  await hive.submit('first', { description: 'forbidden by and by' });
  await hive.submit('second', { depends_on: ['first'] });
  await hive.submit('third', { depends_on: ['second'] });
  await hive.fail(await hive.take('bee'), false);
  await hive.retry('third');
  await hive.retry('second');
  expect(await hive.task('second')).toMatchObject({ status: 'pending', pendingReason: 'dependencies' });
  await forbid(hive);

  expect((await hive.retry('first')).task.status).toBe('rejected');

  expect(await hive.task('second')).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
  expect(await hive.task('third')).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
});

test('a plan whose tasks fall by that ends', async () => {
  const hive = await Hive.begin();
  await hive.hire('bee');
  const tasks = { a: { description: 'forbidden by and by' }, b: { depends_on: ['a'] } };
  await hive.do(planCommand('p', tasks, hive.pipeline.clock.now().wall, { onFailure: 'continue' }));
  await hive.fail(await hive.take('bee'), false);
  await hive.retry('p.b');
  await forbid(hive);

  await hive.retry('p.a');

  expect(planFrom((await hive.pipeline.store.document('plan', 'p'))!)).toMatchObject({
    status: 'failed',
    counts: { rejected: 1, cancelled: 1 },
  });
});

test('a task is not run again to wait for one that never will be', async () => {
  const hive = await Hive.begin();
  await forbid(hive);
  await hive.submit('first', { description: 'forbidden' });
  await hive.submit('second', { depends_on: ['first'] });

  expect(await hive.refused({ kind: 'retry', actor: 'ann', taskId: 'second' })).toBe('invalid_transition');

  expect((await hive.task('second')).status).toBe('cancelled');
});

test('to run one task of a large plan again does not look at the others', async () => {
  const hive = await Hive.begin();
  await hive.hire('bee');
  const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
  const tasks = Object.fromEntries(keys.map((key, index) => [key, index === 0 ? {} : { depends_on: ['k0'] }]));
  await hive.do(planCommand('p', tasks, hive.pipeline.clock.now().wall));
  await hive.fail(await hive.take('bee'), false);
  const { store } = hive.pipeline;
  const { load } = store;
  const asked: string[] = [];
  store.load = (needs) => {
    for (const kind of ['unfinished', 'dependents', 'allDependents'] as const) asked.push(...(needs[kind] ?? []));
    return load.call(store, needs);
  };

  for (const key of keys) await hive.retry(`p.${key}`);

  expect(asked).toEqual([]);
});

const NEWEST: RetryMany = { status: 'cancelled', limit: 2 };

test('of many those that cannot run again do not stand before older ones that can', async () => {
  const { kernel } = await loneKernel();
  const submit = (id: string, input = {}) =>
    kernel.execute({ kind: 'submit', actor: 'ann', tasks: [newTask(id, input, 0)] });
  await kernel.execute({ kind: 'set_policy', actor: 'ann', policy: FORBIDDEN, expected: null });
  for (const id of ['a', 'b', 'c', 'forbidden']) await submit(id);
  for (const taskId of ['a', 'b', 'c']) {
    await kernel.execute({ kind: 'cancel', actor: 'ann', taskId, cascade: false });
  }
  for (const id of ['x', 'y', 'z']) await submit(id, { depends_on: ['forbidden'] });

  expect(await kernel.retryMany(NEWEST, 'ann')).toEqual({ retried: 2, refused: 3, leftOff: null });

  const cancelled = await kernel.store.tasks({ status: 'cancelled', limit: 10, maxBytes: 1e6 });
  expect(cancelled.items.map(({ id }) => id)).toEqual(['z', 'y', 'x', 'a']);
});

test('what the guardian rejects by now does not count as run again', async () => {
  const { kernel } = await loneKernel();
  for (const id of ['fine', 'forbidden']) {
    await kernel.execute({ kind: 'submit', actor: 'ann', tasks: [newTask(id, {}, 0)] });
    await kernel.execute({ kind: 'cancel', actor: 'ann', taskId: id, cascade: false });
  }
  await kernel.execute({ kind: 'set_policy', actor: 'ann', policy: FORBIDDEN, expected: null });

  expect(await kernel.retryMany({ ...NEWEST, limit: 1 }, 'ann')).toEqual({ retried: 1, refused: 1, leftOff: null });

  expect((await kernel.store.task('forbidden'))!.status).toBe('rejected');
  expect((await kernel.store.task('fine'))!.status).toBe('queued');
});

test('however many are refused, the newest are retried, in calls that each come past a thousand at the most or a page more', async () => {
  const runs = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 900 })), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      runs,
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1, max: 300 }),
      async (runs, limit, page) => {
        const can = runs.flatMap(([canRun, count]) => Array<boolean>(count).fill(canRun));
        const tasks = can.map((_, seq) => ({ id: String(seq), seq, status: 'queued' }) as Task);
        const asked: number[] = [];
        const store = {
          tasks: async ({ before = Number.POSITIVE_INFINITY, limit }: { before?: number; limit: number }) => {
            const behind = tasks.filter(({ seq }) => seq < before).reverse();
            const items = behind.slice(0, Math.min(limit, page));
            return { items, more: items.length < behind.length };
          },
        };
        const retry = async (id: string) => {
          asked.push(Number(id));
          return can[Number(id)] ? { task: tasks[Number(id)]! } : new Refusal('invalid_transition', 'no');
        };
        let [retried, refused, before] = [0, 0, undefined as number | null | undefined];
        while (before !== null && retried < limit) {
          const sofar = asked.length;
          const which = { ...NEWEST, limit: limit - retried, ...(before === undefined ? {} : { before }) };
          const answer = await retryMany(which, { store, retry, isStop: () => false });
          if (answer instanceof Refusal) throw answer;
          expect(asked.length - sofar).toBe(answer.retried + answer.refused);
          expect(answer.refused).toBeLessThan(2000);
          retried += answer.retried;
          refused += answer.refused;
          before = answer.leftOff;
        }
        // Each once, the newest first, and no further than it must.
        expect(asked).toEqual(asked.map((_, index) => tasks.length - 1 - index));
        expect(retried).toBe(Math.min(limit, can.filter(Boolean).length));
        expect(asked.filter((id) => !can[id])).toHaveLength(refused);
        if (retried < limit) expect(asked).toHaveLength(tasks.length);
      },
    ),
    { numRuns: 60 },
  );
});
