/** A plan's graph, however large what its tasks say and have brought about. */
import { expect, test } from 'vitest';
import type { Store, TaskQuery } from '../core/store.ts';
import { Hive } from '../testing/hive.ts';
import { planCommand } from '../testing/plan-command.ts';
import { PlanDesk } from './plan-desk.ts';

const MIB = 1024 * 1024;
const LARGE = 'x'.repeat(MIB / 2);

test('is read a few MiB at a time, and others are served in between', async () => {
  const hive = await Hive.begin();
  const { store, clock } = hive.pipeline;
  const tasks = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`k${at}`, { payload: LARGE }]));
  await hive.do(planCommand('p', { ...tasks, last: { depends_on: ['k0', 'k19'] } }, clock.now().wall));
  let breaths = 0;
  const told: string[] = [];
  const watched = {
    load: (needs: Parameters<Store['load']>[0]) => store.load(needs),
    document: (...name: Parameters<Store['document']>) => store.document(...name),
    tasks: async (query: TaskQuery) => {
      const page = await store.tasks(query);
      const bytes = page.items.reduce((sum, { spec }) => sum + spec.json.length, 0);
      told.push(`${bytes <= 2 * MIB ? 'little' : bytes} after ${breaths}`);
      breaths = 0;
      return page;
    },
  } as Partial<Store> as Store;
  const desk = new PlanDesk(watched, async () => void breaths++);
  const graph = await desk.graph((await desk.find('p'))!, clock.now().wall);
  expect(graph.nodes.map(({ key }) => key)).toEqual([...Object.keys(tasks), 'last']);
  expect(graph.nodes.every(({ status }) => status === 'queued' || status === 'pending')).toBe(true);
  expect(graph.edges).toEqual([
    { from: 'k0', to: 'last' },
    { from: 'k19', to: 'last' },
  ]);
  expect(told.length).toBeGreaterThan(5);
  expect(new Set(told)).toEqual(new Set(['little after 1']));
});

test('keeps a place for tasks that are not there any more', async () => {
  const hive = await Hive.begin();
  const { store, clock } = hive.pipeline;
  await hive.do(planCommand('p', { a: {}, b: { depends_on: ['a'] } }, clock.now().wall));
  await hive.do({ kind: 'cancel', actor: 'ann', taskId: 'p.a', cascade: false });
  const desk = new PlanDesk(store, async () => undefined);
  const { plan, tasks } = (await desk.find('p'))!;
  await store.prune({ endedBefore: Number.MAX_SAFE_INTEGER, ledgerBefore: null, idempotencyBefore: 0 }, 1);
  const { nodes } = await desk.graph({ plan, tasks: { gone: 'nobody', ...tasks } }, 0);
  expect(nodes.map(({ key, status }) => [key, status])).toEqual([
    ['gone', null],
    ['a', 'cancelled'],
    ['b', 'cancelled'],
  ]);
});
