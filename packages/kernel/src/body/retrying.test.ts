/** Ended tasks that are run again by hand, and those that hang on them. */

import { expect, test } from 'vitest';
import { planFrom } from '../core/plan.ts';
import { Hive } from '../testing/hive.ts';
import { planCommand } from '../testing/plan-command.ts';

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
