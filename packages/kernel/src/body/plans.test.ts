/** Plans: tasks that belong together, from the first to the last. */

import { expect, onTestFinished, test } from 'vitest';
import { canonicalJson } from '../core/json.ts';
import { type Plan, planFrom, planTasksFrom } from '../core/plan.ts';
import type { Task } from '../core/task.ts';
import { Hive } from '../testing/hive.ts';
import { type PlanInput, type PlanOptions, planCommand } from '../testing/plan-command.ts';

async function begin(input: PlanInput, options: PlanOptions = {}, hive?: Hive): Promise<Planned> {
  const planned = new Planned(hive ?? (await Hive.begin()));
  await planned.hive.do(planCommand('p', input, planned.hive.pipeline.clock.now().wall, options));
  await planned.hive.hire('bee', 100);
  return planned;
}

/** A hive with one plan in it. */
class Planned {
  readonly hive: Hive;

  constructor(hive: Hive) {
    this.hive = hive;
  }

  async plan(): Promise<Plan> {
    return planFrom((await this.hive.pipeline.store.document('plan', 'p'))!);
  }

  task(key: string): Promise<Task> {
    return this.hive.task(`p.${key}`);
  }

  async statuses(): Promise<Record<string, string>> {
    const { items } = await this.hive.pipeline.store.tasks({ planId: 'p', limit: 1000, maxBytes: 1e9 });
    return Object.fromEntries(items.map(({ id, status }) => [id.slice(2), status]).sort());
  }

  /** All that can run is claimed, and what is named comes to its end. */
  async complete(key: string, result = 'null'): Promise<void> {
    await this.#end(key, (task, token) => this.hive.complete({ task, token }, result));
  }

  async fail(key: string): Promise<void> {
    await this.#end(key, (task, token) => this.hive.fail({ task, token }, false));
  }

  async #end(key: string, end: (task: Task, token: number) => Promise<unknown>): Promise<void> {
    await this.hive.claim('bee', 100);
    const task = await this.task(key);
    await end(task, task.leaseToken);
  }

  /** The entries of the ledger about the plan itself. */
  async story(): Promise<string[]> {
    const entries = (await this.hive.ledger()).filter(({ type }) => type.startsWith('plan_'));
    for (const { data } of entries) expect(data).toBe(canonicalJson(JSON.parse(data)));
    return entries.map(({ type, data }) => `${type} ${data}`);
  }
}

const DIAMOND: PlanInput = { a: {}, b: { depends_on: ['a'] }, c: { depends_on: ['a'] }, d: { depends_on: ['b', 'c'] } };

test('a plan is completed once all its tasks are, each after those it depends on', async () => {
  const planned = await begin(DIAMOND);
  expect(await planned.statuses()).toEqual({ a: 'queued', b: 'pending', c: 'pending', d: 'pending' });
  await planned.complete('a');
  await planned.complete('b');
  expect(await planned.plan()).toMatchObject({ status: 'running', total: 4, counts: { completed: 2 }, endedAt: null });
  await planned.complete('c');
  await planned.complete('d');
  expect(await planned.plan()).toMatchObject({ status: 'completed', counts: { completed: 4 }, failure: null });
  expect((await planned.plan()).endedAt).not.toBeNull();
  expect(await planned.story()).toEqual([
    'plan_created {"created_by":"ann","goal":"goal of p","on_failure":"stop","plan_id":"p","tasks":4}',
    'plan_completed {"plan_id":"p"}',
  ]);
});

test('tasks know their plan, and which key is which is kept', async () => {
  const { hive } = await begin(DIAMOND);
  expect((await hive.task('p.a')).plan).toBe('p');
  const tasks = await hive.pipeline.store.document('plan_tasks', 'p');
  expect(planTasksFrom(tasks!)).toEqual({ a: 'p.a', b: 'p.b', c: 'p.c', d: 'p.d' });
});

test('who is first among equals is as the plan has them, whatever depends on what', async () => {
  const { hive } = await begin({ late: { depends_on: ['early'] }, early: {}, other: {} });
  expect((await hive.claim('bee', 9)).map(({ task }) => task.id)).toEqual(['p.early', 'p.other']);
  expect((await hive.task('p.late')).seq).toBeLessThan((await hive.task('p.early')).seq);
});

test('with `stop` the first failure calls off all that is left, running attempts included', async () => {
  const planned = await begin({ a: {}, b: {}, c: { depends_on: ['b'] }, far: { depends_on: ['c'] } });
  await planned.hive.submit('outside', { depends_on: ['p.far'] });
  await planned.fail('a');
  expect(await planned.statuses()).toEqual({ a: 'failed', b: 'cancelled', c: 'cancelled', far: 'cancelled' });
  expect(await planned.task('b')).toMatchObject({ error: 'plan_failed' });
  expect(await planned.hive.history('p.b')).toContain('task_cancelled plan_failed');
  expect((await planned.hive.worker('bee'))!.holds).toEqual([]);
  expect(await planned.hive.task('outside')).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
  expect(await planned.plan()).toMatchObject({
    ...{ status: 'failed', counts: { failed: 1, cancelled: 3, completed: 0 } },
    failure: { taskId: 'p.a', status: 'failed' },
  });
  expect((await planned.story()).at(-1)).toBe('plan_failed {"plan_id":"p","reason":"failed","task_id":"p.a"}');
});

test('with `continue` only what needs the failed one falls, and the plan fails when all has ended', async () => {
  const planned = await begin({ a: {}, b: { depends_on: ['a'] }, c: {} }, { onFailure: 'continue' });
  await planned.fail('a');
  expect(await planned.statuses()).toEqual({ a: 'failed', b: 'cancelled', c: 'executing' });
  expect(await planned.plan()).toMatchObject({ status: 'running', failure: { taskId: 'p.a' } });
  await planned.complete('c');
  expect(await planned.plan()).toMatchObject({ status: 'failed', counts: { completed: 1, failed: 1, cancelled: 1 } });
});

test('a timeout, a lost worker, a cancellation and a denied vote are failures as well', async () => {
  const cancelled = await begin({ a: {}, b: {} });
  await cancelled.hive.cancel('p.a');
  expect(await cancelled.plan()).toMatchObject({ status: 'failed', failure: { status: 'cancelled', taskId: 'p.a' } });

  const late = await begin({ a: { timeout_seconds: 1 }, b: {} });
  const [{ task, token }] = (await late.hive.claim('bee')) as [{ task: Task; token: number }];
  await late.hive.pipeline.clock.advance(2000);
  await late.hive.do({ kind: 'end_attempt', actor: 'kernel', taskId: task.id, leaseToken: token, random: 0 });
  expect(await late.plan()).toMatchObject({ status: 'failed', failure: { status: 'timeout', taskId: 'p.a' } });

  const lost = await begin({ a: {}, b: { depends_on: ['a'] } }, {}, await Hive.begin({ maxLeaseLosses: 1 }));
  await lost.hive.claim('bee');
  await lost.hive.lose('bee');
  expect(await lost.plan()).toMatchObject({ status: 'failed', failure: { status: 'failed', taskId: 'p.a' } });

  const risky = await begin({ a: { constraints: { safety_level: 'critical' } }, b: {} });
  const ballot = { voteId: 'p.a', participant: 'operator', approve: false, reason: null };
  await risky.hive.do({ kind: 'cast_ballot', actor: 'operator', ...ballot });
  expect(await risky.plan()).toMatchObject({ status: 'failed', failure: { status: 'rejected', taskId: 'p.a' } });
  expect(await risky.statuses()).toEqual({ a: 'rejected', b: 'cancelled' });
});

test('a plan with a task that the guardian rejects fails as it is handed in', async () => {
  const planned = await begin({ a: {}, b: { payload: 'rm -rf /' }, c: { depends_on: ['b'] } });
  expect(await planned.statuses()).toEqual({ a: 'cancelled', b: 'rejected', c: 'cancelled' });
  expect(await planned.plan()).toMatchObject({ status: 'failed', failure: { status: 'rejected', taskId: 'p.b' } });
  const patient = await begin(
    { a: {}, b: { payload: 'rm -rf /' }, c: { depends_on: ['b'] } },
    { onFailure: 'continue' },
  );
  expect(await patient.statuses()).toEqual({ a: 'queued', b: 'rejected', c: 'cancelled' });
  expect(await patient.plan()).toMatchObject({ status: 'running' });
});

test('a plan can be called off: what is left is cancelled, and once it has ended nothing happens', async () => {
  const planned = await begin(DIAMOND);
  await planned.complete('a');
  await planned.hive.claim('bee', 1);
  await planned.hive.do({ kind: 'cancel_plan', actor: 'ann', planId: 'p' });
  expect(await planned.statuses()).toEqual({ a: 'completed', b: 'cancelled', c: 'cancelled', d: 'cancelled' });
  expect(await planned.plan()).toMatchObject({ status: 'cancelled', failure: null, counts: { cancelled: 3 } });
  expect(await planned.task('d')).toMatchObject({ error: 'plan_cancelled' });
  const { last } = await planned.hive.pipeline.store.ledger.span();
  await planned.hive.do({ kind: 'cancel_plan', actor: 'ann', planId: 'p' });
  expect((await planned.hive.pipeline.store.ledger.span()).last).toBe(last);
  expect(await planned.hive.refused({ kind: 'cancel_plan', actor: 'ann', planId: 'q' })).toBe('plan_not_found');
});

test('a plan that is handed in, fails and is called off in the same moment', async () => {
  const hive = await Hive.begin();
  const [made, again] = await hive.pipeline.together([
    planCommand('p', { a: {}, b: { payload: 'rm -rf /' } }, 0),
    { kind: 'cancel_plan', actor: 'ann', planId: 'p' },
  ]);
  expect(made).toMatchObject({ plan: { status: 'failed', counts: { rejected: 1, cancelled: 1 } } });
  expect(again).toMatchObject({ plan: { status: 'failed' } });
});

test('a plan goes on when one of its tasks is retried, and can still be completed', async () => {
  const planned = await begin({ a: {}, b: { depends_on: ['a'] } });
  await planned.fail('a');
  await planned.hive.retry('p.a');
  expect(await planned.plan()).toMatchObject({ status: 'running', endedAt: null, failure: null });
  expect((await planned.hive.pipeline.store.document('plan_tasks', 'p'))!.endedAt).toBeNull();
  await planned.hive.retry('p.b');
  await planned.complete('a');
  await planned.complete('b');
  expect(await planned.plan()).toMatchObject({
    status: 'completed',
    counts: { completed: 2, failed: 0, cancelled: 0 },
  });
  expect((await planned.story()).slice(1)).toEqual([
    'plan_failed {"plan_id":"p","reason":"failed","task_id":"p.a"}',
    'plan_resumed {"plan_id":"p","task_id":"p.a"}',
    'plan_completed {"plan_id":"p"}',
  ]);
});

test('a worker that holds a task may split it: the tasks of its plan have it as their parent', async () => {
  const hive = await Hive.begin();
  await hive.submit('whole');
  const planned = await begin({ a: {}, b: { parent_id: 'whole' } }, { parentId: 'whole' }, hive);
  expect((await planned.task('a')).spec.value.parent_id).toBe('whole');
  expect((await planned.task('a')).depth).toBe(1);
  await hive.cancel('whole', true);
  expect(await planned.plan()).toMatchObject({ status: 'failed', counts: { cancelled: 2 } });
  expect(await hive.refused(planCommand('q', { a: {} }, 0, { parentId: 'nobody' }))).toBe('validation_failed');
});

test('the same key and plan give the same plan, another one is refused', async () => {
  const planned = await begin({ a: {} });
  const submit = (id: string, bodyHash: string) => ({
    ...planCommand(id, { a: {} }, 0),
    idempotency: { key: 'k', bodyHash },
  });
  expect(await planned.hive.do(submit('q', 'x'))).toMatchObject({ plan: { id: 'q' }, replayed: false });
  expect(await planned.hive.do(submit('r', 'x'))).toMatchObject({
    plan: { id: 'q' },
    replayed: true,
    tasks: { a: 'q.a' },
  });
  expect(await planned.hive.refused(submit('r', 'y'))).toBe('idempotency_conflict');
});

test('two tasks that end in the same moment are both counted, and the second failure finds nothing to do', async () => {
  const planned = await begin({ a: {}, b: {}, c: {} });
  const assignments = await planned.hive.claim('bee', 2);
  const lease = { actor: 'bee', random: 0.5, error: 'no', errorTrace: null, retryable: false };
  const [first, second] = await planned.hive.pipeline.together(
    assignments.map(({ task, token }) => ({ kind: 'fail', ...lease, taskId: task.id, leaseToken: token }) as const),
  );
  expect(first).toMatchObject({ task: { status: 'failed' } });
  expect(second).toMatchObject({ code: 'stale_lease' });
  expect(await planned.plan()).toMatchObject({ status: 'failed', counts: { failed: 1, cancelled: 2 } });
});

test('tasks that end at several kernels in the same moment are all counted', async () => {
  const planned = await begin(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`k${n}`, {}])));
  const { hive } = planned;
  // Where there can be only one kernel it does all of it.
  const other = new Hive((await hive.pipeline.beside({})) ?? hive.pipeline);
  if (other.pipeline !== hive.pipeline) onTestFinished(() => other.pipeline.store.close());
  const held = await hive.claim('bee', 40);
  await Promise.all(held.map((one, n) => (n % 2 === 0 ? hive : other).complete(one)));
  expect(await planned.plan()).toMatchObject({ status: 'completed', counts: { completed: 40 } });
});

test('what retention has removed of a plan does not keep its tasks from running again', async () => {
  const planned = await begin({ a: {} });
  await planned.fail('a');
  const { store, clock } = planned.hive.pipeline;
  // As the documents go first when there is much to remove.
  const [plan, tasks] = [await store.document('plan', 'p'), await store.document('plan_tasks', 'p')];
  const puts = [plan!, tasks!].map((prev) => ({ kind: 'document', prev, next: null }) as const);
  await store.commit([{ puts, events: [] }], clock.now().wall);
  expect((await planned.hive.retry('p.a')).task.status).toBe('queued');
  await planned.complete('a');
  expect((await planned.task('a')).status).toBe('completed');
});
