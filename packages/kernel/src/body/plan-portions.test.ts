/** Large plans are called off some hundreds of tasks at a time, and others have their turn in between. */
import { expect, test } from 'vitest';
import type { Assignment, CancelPlan, Reply } from '../core/command.ts';
import type { ChainedEntry } from '../core/event.ts';
import { type Plan, planFrom } from '../core/plan.ts';
import { Hive } from '../testing/hive.ts';
import { type LoneKernel, loneKernel } from '../testing/lone-kernel.ts';
import { newTask } from '../testing/pipeline.ts';
import { planCommand } from '../testing/plan-command.ts';

const MANY = 1200;

async function begin(dependsOn: (place: number) => string[] = () => []): Promise<Hive> {
  const hive = await Hive.begin();
  const tasks = Array.from({ length: MANY }, (_, place) => [`k${place}`, { depends_on: dependsOn(place) }] as const);
  await hive.do(planCommand('p', Object.fromEntries(tasks), hive.pipeline.clock.now().wall));
  return hive;
}

async function planOf(hive: Hive): Promise<Plan> {
  return planFrom((await hive.pipeline.store.document('plan', 'p'))!);
}

function callOff(hive: Hive, goesOn?: 'due'): Promise<Reply<CancelPlan>> {
  return hive.do({ kind: 'cancel_plan', actor: goesOn ? 'kernel' : 'ann', planId: 'p', ...(goesOn && { goesOn }) });
}

/** As the sweeper does: as long as there is something due. Answers how many portions it took. */
async function goOn(hive: Hive): Promise<number> {
  const { store, clock } = hive.pipeline;
  for (let portions = 0; ; portions++) {
    const { wall, steady } = clock.now();
    const { documents } = await store.due({ wall: wall + 1000, steady }, 10);
    if (!documents.some(({ collection }) => collection === 'plan')) return portions;
    await callOff(hive, 'due');
  }
}

async function told(hive: Hive): Promise<ChainedEntry[]> {
  const entries: ChainedEntry[] = [];
  for (;;) {
    const more = await hive.pipeline.store.ledger.read(entries.at(-1)?.id ?? 0, 1000);
    if (more.length === 0) return entries;
    entries.push(...more);
  }
}

/** What the ledger says of it: as if all of it had been called off at once. */
async function expectCalledOff(hive: Hive, reason: string, actor: string, tasks: number): Promise<void> {
  const entries = await told(hive);
  const cancelled = entries.filter(({ type, data }) => type === 'task_cancelled' && data.includes(`"${reason}"`));
  expect(new Set(cancelled.map(({ taskId }) => taskId)).size).toBe(tasks);
  expect(cancelled).toHaveLength(tasks);
  expect(new Set(cancelled.map((entry) => entry.actor))).toEqual(new Set([actor]));
  const last = entries.findLast(({ type }) => type.startsWith('task_'))!;
  const ends = entries.filter(({ type }) => type === 'plan_cancelled' || type === 'plan_failed');
  expect(ends).toHaveLength(1);
  expect(ends[0]!.id).toBeGreaterThan(last.id);
  expect(ends[0]!.actor).toBe(actor);
}

test('a large plan that is cancelled ends in portions, the oldest tasks first', async () => {
  const hive = await begin((place) => (place === 0 ? [] : ['k0']));
  const { plan } = await callOff(hive);
  expect(plan).toMatchObject({ status: 'running', counts: { cancelled: 500 }, ending: { reason: 'plan_cancelled' } });
  expect((await hive.task('p.k499')).status).toBe('cancelled');
  expect((await hive.task('p.k500')).status).toBe('pending');
  expect(await goOn(hive)).toBe(2);
  const ended = await planOf(hive);
  expect(ended).toMatchObject({ status: 'cancelled', counts: { cancelled: MANY }, failure: null });
  expect(ended).not.toHaveProperty('ending');
  await expectCalledOff(hive, 'plan_cancelled', 'ann', MANY);
});

test('one of which a task fails ends so as well, on behalf of whoever brought it about', async () => {
  const hive = await begin();
  await hive.hire('bee');
  await hive.fail(await hive.take('bee'), false);
  expect(await planOf(hive)).toMatchObject({ status: 'running', ending: { reason: 'plan_failed' } });
  expect(await goOn(hive)).toBe(2);
  const failure = { taskId: 'p.k0', status: 'failed' };
  expect(await planOf(hive)).toMatchObject({ status: 'failed', counts: { failed: 1, cancelled: MANY - 1 }, failure });
  await expectCalledOff(hive, 'plan_failed', 'worker:bee', MANY - 1);
});

test('what is completed meanwhile counts as completed, and the plan ends as it was to', async () => {
  const hive = await begin();
  await hive.hire('bee', MANY);
  await callOff(hive);
  const running = await hive.claim('bee', 3);
  expect(running.map(({ task }) => task.id)).toEqual(['p.k500', 'p.k501', 'p.k502']);
  await hive.complete(running[0]!);
  await hive.fail(running[1]!, false);
  await goOn(hive);
  expect((await hive.task('p.k502')).status).toBe('cancelled');
  const counts = { completed: 1, failed: 1, cancelled: MANY - 2 };
  expect(await planOf(hive)).toMatchObject({ status: 'cancelled', counts, failure: null });
});

test('whoever waits for one of its tasks from outside falls with it, and who waits for that', async () => {
  const hive = await begin((place) => (place === 0 ? [] : ['k0']));
  for (const [id, on] of [
    ['first', 'p.k3'],
    ['last', 'p.k1199'],
    ['both', 'last'],
  ]) {
    await hive.submit(id!, { depends_on: on === 'last' ? ['last', 'first'] : [on!] });
  }
  await callOff(hive);
  expect((await hive.task('first')).error).toBe('dependency_failed');
  expect((await hive.task('last')).status).toBe('pending');
  // One that comes in the same batch as the portion which calls off what it waits for.
  const { wall } = hive.pipeline.clock.now();
  const tasks = [newTask('late', { depends_on: ['p.k600'] }, wall)];
  await hive.pipeline.together([
    { kind: 'submit', actor: 'ann', tasks },
    { kind: 'cancel_plan', actor: 'kernel', planId: 'p', goesOn: 'due' },
  ]);
  expect((await hive.task('p.k600')).status).toBe('cancelled');
  await goOn(hive);
  for (const id of ['first', 'last', 'both', 'late']) {
    expect(await hive.task(id)).toMatchObject({ status: 'cancelled', error: 'dependency_failed' });
  }
});

test('nothing goes on that was not begun', async () => {
  const hive = await begin();
  expect((await callOff(hive, 'due')).plan).toMatchObject({ status: 'running', counts: { cancelled: 0 } });
  await callOff(hive);
  await goOn(hive);
  const before = await told(hive);
  await callOff(hive, 'due');
  await callOff(hive);
  expect(await told(hive)).toHaveLength(before.length);
});

test('two who call it off at once, call it off once', async () => {
  const hive = await begin();
  const both: CancelPlan[] = ['ann', 'bob'].map((actor) => ({ kind: 'cancel_plan', actor, planId: 'p' }));
  await hive.pipeline.together(both);
  await goOn(hive);
  await expectCalledOff(hive, 'plan_cancelled', 'ann', MANY);
});

/** A kernel, and a large plan that was handed in elsewhere. */
async function served(): Promise<LoneKernel> {
  const it = await loneKernel();
  const tasks = Array.from({ length: MANY }, (_, place) => [`k${place}`, {}] as const);
  await it.elsewhere.do(planCommand('p', Object.fromEntries(tasks), it.clock.now().wall));
  it.tell();
  return it;
}

async function ends({ clock, rest, elsewhere }: LoneKernel): Promise<Plan> {
  for (let moments = 0; moments < 40; moments++) {
    await clock.advance(100);
    await rest();
    const plan = await planOf(elsewhere);
    if (plan.status !== 'running') return plan;
  }
  return planOf(elsewhere);
}

test('whoever calls it off is answered when it has ended, and others are while it goes on', async () => {
  const it = await served();
  const answers: string[] = [];
  const called = it.kernel.execute({ kind: 'cancel_plan', actor: 'ann', planId: 'p' }).then((answer) => {
    answers.push('called off');
    return answer;
  });
  await Promise.resolve();
  const tasks = [newTask('t', {}, it.clock.now().wall)];
  await it.kernel.execute({ kind: 'submit', actor: 'bob', tasks }).then(() => answers.push('submitted'));
  const { plan } = (await called) as Reply<CancelPlan>;
  expect(answers).toEqual(['submitted', 'called off']);
  expect(plan).toMatchObject({ status: 'cancelled', counts: { cancelled: MANY } });
  await expectCalledOff(it.elsewhere, 'plan_cancelled', 'ann', MANY);
});

test('when whoever called it off is gone, another kernel goes on before long', async () => {
  const it = await served();
  await callOff(it.elsewhere);
  expect(await ends(it)).toMatchObject({ status: 'cancelled', counts: { cancelled: MANY } });
  await expectCalledOff(it.elsewhere, 'plan_cancelled', 'ann', MANY);
});

test('nobody has to ask for the rest of one that has failed', async () => {
  const it = await served();
  await it.elsewhere.hire('bee');
  it.tell();
  const { signal } = new AbortController();
  const [one] = (await it.kernel.workers.claim('bee', 1, 0, signal)) as readonly Assignment[];
  await it.elsewhere.fail(one!, false);
  expect(await ends(it)).toMatchObject({ status: 'failed', counts: { failed: 1, cancelled: MANY - 1 } });
  await expectCalledOff(it.elsewhere, 'plan_failed', 'worker:bee', MANY - 1);
});
