/** What a submitter may expect of the kernel, told in small stories. */
import { expect, test } from 'vitest';
import { Hive } from '../testing/hive.ts';
import { newTask } from '../testing/pipeline.ts';

test('a task waits for all its dependencies, and for nothing else', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya', 9);
  await hive.submit('a');
  await hive.submit('b');
  expect(await hive.submit('both', { depends_on: ['a', 'b'] })).toMatchObject({
    pendingReason: 'dependencies',
    unmet: 2,
  });
  const [a, b] = await hive.claim('maya', 9);
  await hive.complete(a!);
  expect(await hive.task('both')).toMatchObject({ status: 'pending', unmet: 1 });
  await hive.complete(b!);
  expect(await hive.task('both')).toMatchObject({ status: 'queued', unmet: 0, pendingReason: null });
  expect((await hive.history('both')).at(-1)).toBe('task_queued');
});

test('a dependency that is completed already is no wait', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('a');
  await hive.complete(await hive.take('maya'));
  expect((await hive.submit('b', { depends_on: ['a'] })).status).toBe('queued');
});

test('a completed dependency still counts after retention has removed it', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('a');
  await hive.complete(await hive.take('maya'));
  const { wall } = hive.pipeline.clock.now();
  await hive.pipeline.store.prune({ endedBefore: wall + 1, ledgerBefore: null, idempotencyBefore: 0 }, 10);
  expect((await hive.submit('b', { depends_on: ['a'] })).status).toBe('queued');
});

test('a dependency that has failed already cancels from the start, and that is told', async () => {
  const hive = await Hive.begin();
  await hive.submit('a');
  await hive.cancel('a');
  expect(await hive.submit('b', { depends_on: ['a'] })).toMatchObject({
    status: 'cancelled',
    error: 'dependency_failed',
    completedAt: hive.pipeline.clock.now().wall,
  });
  expect(await hive.history('b')).toEqual(['task_validated', 'task_submitted', 'task_cancelled dependency_failed']);
});

test('a dependency nobody ever submitted is refused, with its place in the request', async () => {
  const hive = await Hive.begin();
  const tasks = [{ ...newTask('a', { depends_on: ['ghost'] }, 0), path: '/tasks/0' }];
  const answer = await hive.pipeline.run({ kind: 'submit', actor: 'ann', tasks });
  expect(answer).toMatchObject({ code: 'validation_failed', errors: [{ path: '/tasks/0/depends_on/0' }] });
});

test('a dependent with a time of its own waits for both', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('a');
  await hive.submit('b', { depends_on: ['a'], delay_seconds: 60 });
  await hive.complete(await hive.take('maya'));
  expect(await hive.task('b')).toMatchObject({ status: 'pending', pendingReason: 'scheduled' });
  await hive.pipeline.clock.advance(60_000);
  await hive.do({ kind: 'promote', actor: 'kernel', taskId: 'b' });
  expect((await hive.task('b')).status).toBe('queued');
});

test('cancelling a parent leaves its children alone, unless they are to go with it', async () => {
  const hive = await Hive.begin();
  await hive.submit('mother');
  await hive.submit('child', { parent_id: 'mother' });
  await hive.submit('grandchild', { parent_id: 'child' });
  await hive.submit('waiting', { depends_on: ['grandchild'] });
  await hive.cancel('child');
  expect((await hive.task('grandchild')).status).toBe('queued');
  await hive.cancel('mother', true);
  expect((await hive.history('grandchild')).at(-1)).toBe('task_cancelled parent_cancelled');
  expect((await hive.history('waiting')).at(-1)).toBe('task_cancelled dependency_failed');
  expect(await hive.task('mother')).toMatchObject({ status: 'cancelled', error: null });
});

test('tasks are nested eight deep at most', async () => {
  const hive = await Hive.begin();
  await hive.submit('level 0');
  for (let depth = 1; depth <= 8; depth++) {
    expect((await hive.submit(`level ${depth}`, { parent_id: `level ${depth - 1}` })).depth).toBe(depth);
  }
  const tasks = [newTask('level 9', { parent_id: 'level 8' }, 0)];
  expect(await hive.refused({ kind: 'submit', actor: 'ann', tasks })).toBe('validation_failed');
});

test('a batch is all or nothing', async () => {
  const hive = await Hive.begin();
  const tasks = [newTask('fine', {}, 0), newTask('wrong', { depends_on: ['ghost'] }, 0)];
  expect(await hive.refused({ kind: 'submit', actor: 'ann', tasks })).toBe('validation_failed');
  expect(await hive.pipeline.store.task('fine')).toBeNull();
});
