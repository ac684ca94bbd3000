/** What a worker may expect of the kernel, told in small stories. */
import { expect, test } from 'vitest';
import { Hive, progress, release } from '../testing/hive.ts';
import { noticesOf } from './notices.ts';

test('a cancelled attempt is revoked: its worker is told, has its slot back, and its word no longer counts', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  const { token } = await hive.take('maya');
  await hive.cancel('t');
  const { entries } = hive.pipeline.happened.at(-1)!;
  expect(entries.flatMap(noticesOf)).toEqual([{ kind: 'revoked', workerId: 'maya', taskId: 't', reason: 'cancelled' }]);
  expect((await hive.worker('maya'))!.holds).toEqual([]);
  expect(await hive.refused(progress('t', token))).toBe('stale_lease');
});

test('released work goes back to its place and costs no retry', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('first');
  await hive.submit('second');
  const { token } = await hive.take('maya');
  await hive.do(release('first', token));
  expect(await hive.task('first')).toMatchObject({ status: 'queued', retryCount: 0, attempt: 1, worker: null });
  expect((await hive.take('maya')).task.id).toBe('first');
});

test('a failure that cannot be repaired by trying again is the last', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t', { max_retries: 5 });
  await hive.fail(await hive.take('maya'), false);
  expect(await hive.task('t')).toMatchObject({ status: 'failed', error: 'it broke', retryCount: 0 });
});

test('retried by hand, a task is judged again, forgets its outcome and goes on counting attempts', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  await hive.fail(await hive.take('maya'));
  expect((await hive.retry('t')).task).toMatchObject({ status: 'queued', error: null, result: null, retryCount: 0 });
  expect((await hive.history('t')).slice(-2)).toEqual(['task_validated', 'task_requeued retried_by_hand']);
  expect((await hive.take('maya')).task).toMatchObject({ attempt: 2 });
});

test('a worker that drains gets nothing new, finishes what it holds, and is gone', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya', 2);
  await hive.submit('a');
  await hive.submit('b');
  const a = await hive.take('maya');
  await hive.do({ kind: 'drain', actor: 'ann', workerId: 'maya' });
  expect(await hive.claim('maya')).toEqual([]);
  expect(hive.pipeline.happened.flatMap(({ entries }) => entries.flatMap(noticesOf))).toContainEqual({
    kind: 'draining',
    workerId: 'maya',
  });
  await hive.complete(a);
  expect(await hive.worker('maya')).toBeNull();
  expect((await hive.ledger()).slice(-2).map(({ type }) => type)).toEqual(['task_completed', 'worker_unregistered']);
});

test('a worker that leaves at once leaves its tasks to others', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  await hive.take('maya');
  await hive.do({ kind: 'unregister', actor: 'ann', workerId: 'maya', reason: 'unregistered' });
  expect(await hive.task('t')).toMatchObject({ status: 'queued', losses: 0 });
  expect((await hive.history('t')).at(-1)).toBe('task_requeued worker_unregistered');
  expect(await hive.refused({ kind: 'claim', actor: 'worker:maya', workerId: 'maya', max: 1 })).toBe(
    'worker_not_found',
  );
});

test('a worker that came back since retention looked at it stays, and so does what it holds', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  const retire = () => hive.do({ kind: 'unregister', actor: 'kernel', workerId: 'maya', reason: 'retention' });
  await hive.lose('maya');
  await hive.do({ kind: 'heartbeat', actor: 'worker:maya', workerId: 'maya' });
  await retire();
  expect(await hive.worker('maya')).toMatchObject({ offline: false });
  await hive.take('maya');
  await retire();
  expect(await hive.task('t')).toMatchObject({ status: 'executing', worker: 'maya' });
  await hive.lose('maya');
  await retire();
  expect(await hive.worker('maya')).toBeNull();
});

test('a heartbeat that names its tasks gives back what was assigned and never arrived', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya', 3);
  for (const id of ['a', 'b', 'c']) await hive.submit(id);
  await hive.claim('maya', 3);
  await hive.do({ kind: 'heartbeat', actor: 'worker:maya', workerId: 'maya', tasks: ['b', 'never heard of'] });
  expect((await hive.worker('maya'))!.holds).toEqual(['b']);
  expect((await hive.history('a')).at(-1)).toBe('task_requeued not_held');
  expect((await hive.task('a')).losses).toBe(0);
});

test('a worker that was given up is back with its next claim', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  await hive.lose('maya');
  expect((await hive.take('maya')).task.id).toBe('t');
  expect((await hive.ledger()).map(({ type }) => type).filter((type) => type.startsWith('worker_'))).toEqual([
    'worker_registered',
    'worker_offline',
    'worker_online',
  ]);
});

test('a worker keeps a record of how its attempts ended and how long they took', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  for (const id of ['good', 'bad', 'returned']) await hive.submit(id);
  const good = await hive.take('maya');
  await hive.pipeline.clock.advance(1500);
  await hive.complete(good);
  const bad = await hive.take('maya');
  await hive.pipeline.clock.advance(500);
  await hive.fail(bad);
  const { token } = await hive.take('maya');
  await hive.pipeline.clock.advance(9000);
  await hive.do(release('returned', token));
  expect(await hive.worker('maya')).toMatchObject({ completed: 1, failed: 1, busyMs: 2000 });
  const [, , , completed] = await hive.pipeline.store.ledger.query({ taskId: 'good', limit: 9 });
  expect(JSON.parse(completed!.data)).toMatchObject({ elapsed_seconds: 1.5, worker_id: 'maya' });
});

test('a long error is kept whole in the task, and recognisable in the ledger', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t');
  const { token } = await hive.take('maya');
  const error = `!${'🐝'.repeat(2000)}`;
  await hive.do({
    ...{ kind: 'fail', actor: 'worker:maya', taskId: 't', leaseToken: token, error },
    ...{ errorTrace: null, retryable: true, random: 0 },
  });
  expect((await hive.task('t')).error).toBe(error);
  const entry = (await hive.ledger()).at(-1)!;
  expect(entry.data.length).toBeLessThan(1200);
  expect((JSON.parse(entry.data) as { error: string }).error.isWellFormed()).toBe(true);
});
