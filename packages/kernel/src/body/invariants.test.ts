/** What the kernel promises, by number, as far as its decisions keep it. */

import { expect, test } from 'vitest';
import { contentHash } from '../core/chain.ts';
import type { Command } from '../core/command.ts';
import { type TaskStatus, TERMINAL } from '../core/task.ts';
import { Hive, progress } from '../testing/hive.ts';
import { newTask } from '../testing/pipeline.ts';
import { plain } from '../testing/scribe.ts';

test('invariant 2: the same key and body give the same task, another body is refused', async () => {
  const hive = await Hive.begin();
  const submit = (id: string, bodyHash: string): Command => ({
    ...{ kind: 'submit', actor: 'ann', tasks: [newTask(id, {}, 0)] },
    idempotency: { key: 'k', bodyHash },
  });
  // Also when they arrive in the same moment.
  const answers = await hive.pipeline.together([submit('a', 'x'), submit('b', 'x'), submit('c', 'y')]);
  expect(answers[0]).toMatchObject({ replayed: false, tasks: [{ id: 'a' }] });
  expect(answers[1]).toMatchObject({ replayed: true, tasks: [{ id: 'a' }] });
  expect(answers[2]).toMatchObject({ code: 'idempotency_conflict' });
  await hive.cancel('a');
  expect(await hive.pipeline.run(submit('d', 'x'))).toMatchObject({ tasks: [{ id: 'a', status: 'cancelled' }] });
  expect((await hive.pipeline.store.tasks({ limit: 9, maxBytes: 1e9 })).items).toHaveLength(1);
});

test('invariant 2: a key is good for 24 hours', async () => {
  const hive = await Hive.begin();
  const submit = (id: string): Command => ({
    ...{ kind: 'submit', actor: 'ann', tasks: [newTask(id, {}, 0)] },
    idempotency: { key: 'k', bodyHash: 'x' },
  });
  await hive.do(submit('a'));
  await hive.pipeline.clock.advance(86_399_999);
  expect(await hive.pipeline.run(submit('b'))).toMatchObject({ replayed: true });
  await hive.pipeline.clock.advance(1);
  expect(await hive.pipeline.run(submit('c'))).toMatchObject({ replayed: false, tasks: [{ id: 'c' }] });
});

/** How a task gets to each of its ends. */
const ENDS: Partial<Record<TaskStatus, (hive: Hive) => Promise<unknown>>> = {
  completed: async (hive) => hive.complete(await hive.take('maya')),
  failed: async (hive) => hive.fail(await hive.take('maya')),
  timeout: async (hive) => {
    const { token } = await hive.take('maya');
    await hive.pipeline.clock.advance(1000);
    await hive.do({ kind: 'end_attempt', actor: 'kernel', taskId: 't', leaseToken: token, random: 0 });
  },
  cancelled: (hive) => hive.cancel('t'),
};

test.each(Object.entries(ENDS))('invariant 6: what is %s stays so, but for a retry by hand', async (status, end) => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('t', { timeout_seconds: 1 });
  await end(hive);
  const ended = await hive.task('t');
  expect(ended.status).toBe(status);
  expect(TERMINAL.has(ended.status)).toBe(true);
  expect(ended.completedAt).toBe(hive.pipeline.clock.now().wall);
  const entries = (await hive.ledger()).length;

  expect(await hive.refused({ kind: 'cancel', actor: 'ann', taskId: 't', cascade: true })).toBe('invalid_transition');
  expect(await hive.refused(progress('t', ended.leaseToken))).toBe('stale_lease');
  const random = 0.5;
  const sweeps: Command[] = [
    { kind: 'promote', actor: 'kernel', taskId: 't' },
    { kind: 'recover', actor: 'kernel', taskId: 't' },
    { kind: 'end_attempt', actor: 'kernel', taskId: 't', leaseToken: ended.leaseToken, random },
  ];
  for (const command of sweeps) await hive.do(command);
  expect(await hive.claim('maya')).toEqual([]);
  expect(plain(await hive.task('t'))).toEqual(plain(ended));
  expect(await hive.ledger()).toHaveLength(entries);

  const retry = await hive.refused({ kind: 'retry', actor: 'ann', taskId: 't' });
  expect(retry).toBe(status === 'completed' ? 'invalid_transition' : null);
});

test('invariant 8: everything is judged before it is told of, and nothing is assigned before', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  const { spec } = await hive.submit('t');
  await hive.complete(await hive.take('maya'));
  expect(await hive.history('t')).toEqual(['task_validated', 'task_submitted', 'task_assigned', 'task_completed']);
  const [verdict] = await hive.pipeline.store.ledger.query({ taskId: 't', limit: 9 });
  expect(JSON.parse(verdict!.data)).toMatchObject({
    ...{ verdict: 'approve', policy_version: 1, rules: 4 },
    content_hash: contentHash(spec.json),
  });
  expect(verdict!.source).toBe('neurasphere');
});

test('invariant 10: an end and everything that follows from it are one commit', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('root');
  await hive.submit('middle', { depends_on: ['root'] });
  await hive.submit('leaf', { depends_on: ['middle'] });
  const assignment = await hive.take('maya');
  hive.pipeline.happened.length = 0;
  await hive.fail(assignment);
  expect(hive.pipeline.happened).toHaveLength(1);
  expect(hive.pipeline.happened[0]!.entries.map(({ type, taskId }) => [type, taskId])).toEqual([
    ['task_failed', 'root'],
    ['task_cancelled', 'middle'],
    ['task_cancelled', 'leaf'],
  ]);
});

test('invariant 14: after a start an attempt has what is left of its time, and never less than some grace', async () => {
  const hive = await Hive.begin({ recoveryGraceMs: 2000 });
  const { clock } = hive.pipeline;
  await hive.hire('maya');
  await hive.submit('t', { timeout_seconds: 100 });
  await hive.take('maya');
  const recover = () => hive.do({ kind: 'recover', actor: 'kernel', taskId: 't' });
  const left = async () => (await hive.task('t')).deadline! - clock.now().steady;
  await clock.advance(30_000);
  await recover();
  expect(await left()).toBe(70_000);
  clock.jump(86_400_000);
  await recover();
  expect(await left()).toBe(2000);
  clock.jump(-7 * 86_400_000);
  await recover();
  expect(await left()).toBe(100_000);
});
