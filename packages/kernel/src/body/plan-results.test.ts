/** Tasks of a plan that use the results of earlier ones. */

import { expect, test, vi } from 'vitest';
import { contentHash } from '../core/chain.ts';
import type { Json } from '../core/json.ts';
import { planFrom } from '../core/plan.ts';
import type { TaskInput } from '../core/task.ts';
import { Hive } from '../testing/hive.ts';
import { type PlanInput, type PlanOptions, planCommand } from '../testing/plan-command.ts';

async function begin(input: PlanInput, options: PlanOptions = {}): Promise<Hive> {
  const hive = await Hive.begin();
  await hive.do(planCommand('p', input, 0, options));
  await hive.hire('bee', 100);
  return hive;
}

async function complete(hive: Hive, key: string, result: Json): Promise<void> {
  await hive.claim('bee', 100);
  const task = await hive.task(`p.${key}`);
  await hive.complete({ task, token: task.leaseToken }, JSON.stringify(result));
}

async function planOf(hive: Hive) {
  return planFrom((await hive.pipeline.store.document('plan', 'p'))!);
}

async function payloadOf(hive: Hive, key: string): Promise<Json> {
  return (await hive.task(`p.${key}`)).spec.value.payload;
}

const ref = (text: string): Json => ({ $result: text });

const critical: Partial<TaskInput> = { constraints: { safety_level: 'critical' } };

function vote(hive: Hive, voteId: string, approve = true) {
  return hive.do({ kind: 'cast_ballot', actor: 'operator', voteId, participant: 'operator', approve, reason: null });
}

test('a payload gets what it refers to when the last task it depends on completes', async () => {
  const hive = await begin({
    a: {},
    b: {},
    c: { payload: { all: ref('a'), some: [ref('b.list.1'), { deep: ref('a.n') }], kept: 'as it is' } },
  });
  await complete(hive, 'a', { n: 1, $result: 'b.list' });
  expect(await payloadOf(hive, 'c')).toMatchObject({ all: ref('a') });
  await complete(hive, 'b', { list: [0, 'one'] });
  // What a result says is data: it is not looked into.
  const all = { n: 1, $result: 'b.list' };
  expect(await payloadOf(hive, 'c')).toEqual({ all, some: ['one', { deep: 1 }], kept: 'as it is' });
  const task = await hive.task('p.c');
  expect(task).toMatchObject({ status: 'queued' });
  expect(task.spec.value.results_from).toBeUndefined();
  // What is assigned is what was judged.
  const validated = (await hive.ledger()).filter(({ type, taskId }) => type === 'task_validated' && taskId === 'p.c');
  expect(validated.map(({ data }) => JSON.parse(data).content_hash).at(-1)).toBe(contentHash(task.spec.json));
  expect(validated).toHaveLength(2);
});

test('a reference is a dependency, said or not', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a') } });
  expect((await hive.task('p.b')).spec.value).toMatchObject({ depends_on: ['p.a'], results_from: { a: 'p.a' } });
});

test('several tasks get what one has come to, in the same moment', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a.0') }, c: { payload: ref('a.1') }, d: { depends_on: ['a'] } });
  await complete(hive, 'a', ['x', 'y']);
  expect([await payloadOf(hive, 'b'), await payloadOf(hive, 'c')]).toEqual(['x', 'y']);
  expect(await hive.history('p.d')).toContain('task_queued');
});

test('a chain of results, each made of the one before', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a') }, c: { payload: ref('b') } });
  await complete(hive, 'a', 1);
  await complete(hive, 'b', 2);
  expect(await payloadOf(hive, 'c')).toBe(2);
});

test('a task whose reference leads nowhere is cancelled with the path, and that is a failure', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a.x.y') }, c: { depends_on: ['b'] }, e: {} });
  await complete(hive, 'a', { x: {} });
  const error = 'result_missing: there is no a.x.y in the result of a';
  expect(await hive.task('p.b')).toMatchObject({ status: 'cancelled', error });
  expect(await hive.history('p.b')).toContain('task_cancelled result_missing');
  expect(await hive.task('p.c')).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
  expect(await hive.task('p.e')).toMatchObject({ status: 'cancelled', error: 'plan_failed' });
  expect(await planOf(hive)).toMatchObject({ status: 'failed', failure: { taskId: 'p.b', status: 'cancelled' } });
});

test('so is one that would become too large, or nest too deep', async () => {
  const hive = await begin(
    { a: {}, large: { payload: [ref('a.text'), ref('a.text'), ref('a.text')] }, deep: { payload: [[ref('a.deep')]] } },
    { onFailure: 'continue' },
  );
  let deep: Json = 1;
  for (let n = 0; n < 30; n++) deep = [deep];
  await complete(hive, 'a', { text: 'x'.repeat(400_000), deep });
  expect((await hive.task('p.large')).error).toMatch(/^result_too_large: .* 1048576 bytes$/);
  expect((await hive.task('p.deep')).error).toMatch(/^result_too_deep: .* 31$/);
  expect(await planOf(hive)).toMatchObject({ status: 'failed', counts: { completed: 1, cancelled: 2 } });
});

test('one completion brings only so much into tasks at once', async () => {
  const wide = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`t${n}`, { payload: ref('a') }]));
  const hive = await begin({ a: {}, ...wide }, { onFailure: 'continue' });
  await complete(hive, 'a', 'x'.repeat(1_000_000));
  const { items } = await hive.pipeline.store.tasks({ planId: 'p', limit: 100, maxBytes: 1e9 });
  const queued = items.filter(({ status }) => status === 'queued');
  expect(queued).toHaveLength(16);
  expect(items.filter(({ error }) => error?.startsWith('result_too_large'))).toHaveLength(4);
});

test('what a payload becomes is judged: rejected, and the plan fails', async () => {
  const hive = await begin({ a: {}, b: { payload: { run: ref('a') } }, c: { depends_on: ['b'] } });
  await complete(hive, 'a', 'rm -rf /');
  expect(await hive.task('p.b')).toMatchObject({ status: 'rejected', error: expect.stringContaining('rm') });
  expect(await planOf(hive)).toMatchObject({ status: 'failed', failure: { taskId: 'p.b', status: 'rejected' } });
});

test('an approval holds for what was voted on: with its results in it, a task is asked about again', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a'), ...critical } });
  await vote(hive, 'p.b');
  expect(await hive.task('p.b')).toMatchObject({ status: 'pending', pendingReason: 'dependencies' });
  await complete(hive, 'a', 'harmless');
  expect(await hive.task('p.b')).toMatchObject({ status: 'pending', pendingReason: 'approval', vote: 'p.b.2' });
  await vote(hive, 'p.b.2');
  expect(await hive.task('p.b')).toMatchObject({ status: 'queued' });
});

test('a vote that is still open on the text before is called off', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a'), ...critical } });
  await complete(hive, 'a', 'harmless');
  expect((await hive.pipeline.store.document('vote', 'p.b'))!.state).toBe('cancelled');
  expect(await hive.task('p.b')).toMatchObject({ pendingReason: 'approval', vote: 'p.b.2', unmet: 0 });
  await vote(hive, 'p.b.2', false);
  expect(await planOf(hive)).toMatchObject({ status: 'failed', failure: { taskId: 'p.b', status: 'rejected' } });
});

test('a task that waits for its time gets its results before that', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a'), run_at: '2090-01-01T00:00:00.000Z' } });
  await complete(hive, 'a', 7);
  expect(await hive.task('p.b')).toMatchObject({ status: 'pending', pendingReason: 'scheduled' });
  expect(await payloadOf(hive, 'b')).toBe(7);
});

test('a task that is retried after what it depends on has completed gets its results then', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a.n') } });
  await hive.cancel('p.b');
  await hive.retry('p.a');
  await complete(hive, 'a', { n: 5 });
  await hive.retry('p.b');
  expect(await payloadOf(hive, 'b')).toBe(5);
  expect(await hive.task('p.b')).toMatchObject({ status: 'queued' });
});

test('it cannot be retried while the reference leads nowhere', async () => {
  const hive = await begin({ a: {}, b: { payload: ref('a.n') } });
  await complete(hive, 'a', {});
  expect(await hive.refused({ kind: 'retry', actor: 'ann', taskId: 'p.b' })).toBe('invalid_transition');
});

test('a result that retention has removed is missing', async () => {
  const hive = await begin({ a: {}, b: {}, c: { payload: [ref('a'), ref('b')] } });
  await complete(hive, 'a', 1);
  await hive.pipeline.clock.advance(1000);
  const retention = { endedBefore: hive.pipeline.clock.now().wall, ledgerBefore: null, idempotencyBefore: 0 };
  expect(await hive.pipeline.store.prune(retention, 10)).toBe(1);
  await complete(hive, 'b', 2);
  expect(await hive.task('p.c')).toMatchObject({
    ...{ status: 'cancelled', error: 'result_missing: there is no a: the result of a is not kept any more' },
  });
});

test('a result that many tasks refer to is read once for all of them', async () => {
  const readers = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`r${n}`, { payload: ref(`a.${n}`) }]));
  const hive = await begin({ a: {}, ...readers });
  const read = vi.spyOn(JSON, 'parse');
  const result = Array.from({ length: 20 }, (_, n) => n);
  await complete(hive, 'a', result);
  const times = read.mock.calls.filter(([text]) => text === JSON.stringify(result)).length;
  read.mockRestore();
  expect(times).toBe(1);
  expect(await payloadOf(hive, 'r7')).toBe(7);
});

test('a task of no plan may say $result as it likes', async () => {
  const hive = await Hive.begin();
  await hive.submit('one');
  await hive.submit('two', { depends_on: ['one'], payload: ref('one') });
  await hive.hire('bee');
  await hive.complete(await hive.take('bee'), '1');
  expect((await hive.task('two')).spec.value.payload).toEqual(ref('one'));
});
