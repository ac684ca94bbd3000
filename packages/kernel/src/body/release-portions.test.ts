/** Where very many tasks wait for one, they go on some hundreds at a time once it has completed. */
import { expect, test } from 'vitest';
import type { Assignment } from '../core/command.ts';
import type { Task } from '../core/task.ts';
import { Hive } from '../testing/hive.ts';
import { loneKernel } from '../testing/lone-kernel.ts';
import { newTask } from '../testing/pipeline.ts';
import { type PlanInput, planCommand } from '../testing/plan-command.ts';

const MANY = 1200;

function fan(rest: (place: number) => PlanInput[string] = () => ({})): PlanInput {
  const tasks = Array.from({ length: MANY }, (_, at) => [`k${at}`, { depends_on: ['root'], ...rest(at) }] as const);
  return { root: { priority: 10 }, side: { priority: 9 }, ...Object.fromEntries(tasks) };
}

/** The two that others wait for are under way. */
async function begin(input = fan(), onFailure: 'stop' | 'continue' = 'continue') {
  const hive = await Hive.begin();
  await hive.do(planCommand('p', input, hive.pipeline.clock.now().wall, { onFailure }));
  await hive.hire('bee', 5000);
  const [root, side] = (await hive.claim('bee', 2)) as [Assignment, Assignment];
  expect([root.task.id, side.task.id]).toEqual(['p.root', 'p.side']);
  return { hive, root, side };
}

async function isDue({ pipeline }: Hive): Promise<boolean> {
  const { documents } = await pipeline.store.due(pipeline.clock.now(), 10);
  return documents.some(({ collection, id }) => collection === 'releasing' && id === 'p.root');
}

/** One portion, as the sweeper has it done. */
function next(hive: Hive) {
  return hive.do({ kind: 'go_on_releasing', actor: 'kernel', taskId: 'p.root' });
}

async function goOn(hive: Hive): Promise<number> {
  for (let portions = 0; ; portions++) {
    if (!(await isDue(hive))) return portions;
    await next(hive);
  }
}

async function those(hive: Hive, status: Task['status']): Promise<number> {
  return (await hive.pipeline.store.survey()).tasks[status];
}

test('the oldest first, on behalf of whoever completed it, and each once', async () => {
  const { hive, root } = await begin();
  await hive.complete(root);
  expect(await those(hive, 'queued')).toBe(500);
  expect((await hive.task('p.k499')).status).toBe('queued');
  expect((await hive.task('p.k500')).status).toBe('pending');
  expect(await goOn(hive)).toBe(2);
  expect(await those(hive, 'queued')).toBe(MANY);
  const last = await hive.task('p.k1199');
  expect(last).toMatchObject({ unmet: 0, version: 3 });
  const queued = await hive.pipeline.store.ledger.query({ type: 'task_queued', limit: 5000 });
  expect(new Set(queued.map(({ taskId }) => taskId)).size).toBe(MANY);
  expect(queued).toHaveLength(MANY);
  expect(new Set(queued.map(({ actor }) => actor))).toEqual(new Set(['worker:bee']));
  // Over is over.
  await next(hive);
  expect(await hive.task('p.k1199')).toMatchObject({ version: 3 });
});

test('whoever waits for something else as well goes on when that is there, be it before or after its turn', async () => {
  const { hive, root, side } = await begin(fan((at) => (at % 400 === 399 ? { depends_on: ['root', 'side'] } : {})));
  await hive.complete(root);
  expect(await hive.task('p.k399')).toMatchObject({ status: 'pending', unmet: 1 });
  expect(await hive.task('p.k799')).toMatchObject({ status: 'pending', unmet: 2 });
  await next(hive);
  expect(await hive.task('p.k799')).toMatchObject({ status: 'pending', unmet: 1 });
  await hive.complete(side);
  expect(await hive.task('p.k399')).toMatchObject({ status: 'queued', unmet: 0 });
  expect(await hive.task('p.k799')).toMatchObject({ status: 'queued', unmet: 0 });
  expect(await hive.task('p.k1199')).toMatchObject({ status: 'pending', unmet: 1 });
  await goOn(hive);
  expect(await hive.task('p.k1199')).toMatchObject({ status: 'queued', unmet: 0 });
  expect(await those(hive, 'queued')).toBe(MANY);
});

test('one that was called off and retried before its turn is not released twice', async () => {
  const { hive, root, side } = await begin(fan((at) => (at === 1100 ? { depends_on: ['root', 'side'] } : {})));
  await hive.complete(root);
  await hive.cancel('p.k1100');
  await hive.retry('p.k1100');
  expect(await hive.task('p.k1100')).toMatchObject({ status: 'pending', unmet: 1 });
  await goOn(hive);
  expect(await hive.task('p.k1100')).toMatchObject({ status: 'pending', unmet: 1 });
  await hive.complete(side);
  expect(await hive.task('p.k1100')).toMatchObject({ status: 'queued', unmet: 0 });
});

test('one that comes while it goes on knows already, and one that came in the same batch is not forgotten', async () => {
  const { hive, root } = await begin();
  const { wall } = hive.pipeline.clock.now();
  const late = (id: string) => [newTask(id, { depends_on: ['p.root'] }, wall)];
  await hive.pipeline.together([
    { kind: 'submit', actor: 'ann', tasks: late('with') },
    { kind: 'complete', actor: 'worker:bee', taskId: 'p.root', leaseToken: root.token, result: 'null' },
    { kind: 'submit', actor: 'ann', tasks: late('behind') },
  ]);
  await hive.submit('later', { depends_on: ['p.root'] });
  expect((await hive.task('with')).status).toBe('pending');
  for (const id of ['behind', 'later']) expect((await hive.task(id)).status).toBe('queued');
  await goOn(hive);
  expect(await hive.task('with')).toMatchObject({ status: 'queued', unmet: 0 });
  expect(await those(hive, 'queued')).toBe(MANY + 3);
});

test('results go in with each portion, and no more of them in all than one completion may bring', async () => {
  const { hive, root } = await begin(fan((at) => (at % 40 === 0 ? { payload: { $result: 'root' } } : {})));
  await hive.complete(root, JSON.stringify('x'.repeat(1_000_000)));
  expect(await those(hive, 'cancelled')).toBe(0);
  await goOn(hive);
  expect(await those(hive, 'cancelled')).toBe(30 - 16);
  expect((await hive.task('p.k600')).spec.value.payload).toHaveLength(1_000_000);
  expect((await hive.task('p.k640')).error).toMatch(/^result_too_large/);
  expect(await those(hive, 'queued')).toBe(MANY - 14);
});

test('the plan fails and ends when one cannot have its result, though its turn comes late', async () => {
  const input = fan((at) => (at === 1150 ? { payload: { $result: 'root.nothing' } } : {}));
  const { hive, root } = await begin(input, 'stop');
  await hive.complete(root, '{}');
  await goOn(hive);
  expect((await hive.task('p.k1150')).error).toMatch(/^result_missing/);
  while ((await those(hive, 'queued')) + (await those(hive, 'pending')) + (await those(hive, 'executing')) > 0) {
    await hive.do({ kind: 'cancel_plan', actor: 'kernel', planId: 'p', goesOn: 'due' });
  }
  const document = (await hive.pipeline.store.document('plan', 'p'))!;
  expect(document).toMatchObject({ state: 'failed', body: { failure: { taskId: 'p.k1150', status: 'cancelled' } } });
});

test('nobody has to ask for it: the sweeper goes on, whoever began it', async () => {
  const { clock, rest, elsewhere, tell, store } = await loneKernel();
  await elsewhere.do(planCommand('p', fan(), clock.now().wall));
  await elsewhere.hire('bee', 5000);
  const [root] = await elsewhere.claim('bee', 1);
  await elsewhere.complete(root!);
  tell();
  for (let moments = 0; moments < 40 && (await store.document('releasing', 'p.root')); moments++) {
    await clock.advance(100);
    await rest();
  }
  expect(await those(elsewhere, 'queued')).toBe(MANY + 1);
});
