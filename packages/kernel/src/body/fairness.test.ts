/** Groups take turns. */
import { expect, test } from 'vitest';
import type { TaskInput } from '../core/task.ts';
import { Hive } from '../testing/hive.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';

async function hand(hive: Hive, tasks: Readonly<Record<string, Partial<TaskInput>>>): Promise<void> {
  const made = Object.entries(tasks).map(([id, input]) => newTask(id, input, hive.pipeline.clock.now().wall));
  await hive.do({ kind: 'submit', actor: 'ann', tasks: made });
}

function many(name: string, count: number, input: Partial<TaskInput> = {}): Record<string, Partial<TaskInput>> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`${name}${n}`, { group: name, ...input }]));
}

/** Claims one after the other, each task being done before the next. */
async function run(hive: Hive, workerId: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const assignment = await hive.take(workerId);
    ids.push(assignment.task.id);
    await hive.complete(assignment);
  }
  return ids;
}

test('a quiet group does not wait for the thousand tasks of a noisy one', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hand(hive, many('noisy', 1000));
  expect(await run(hive, 'maya', 3)).toEqual(['noisy0', 'noisy1', 'noisy2']);
  await hand(hive, many('quiet', 2));
  expect(await run(hive, 'maya', 5)).toEqual(['quiet0', 'noisy3', 'quiet1', 'noisy4', 'noisy5']);
});

test('one claim for several takes from each group in turn, whatever they require', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya', 9);
  await hand(hive, many('a', 4));
  await hand(hive, { ...many('b', 2, { requirements: { cpu: 'low' } }), none: {} });
  const ids = (await hive.claim('maya', 9)).map(({ task }) => task.id);
  expect(ids).toEqual(['a0', 'b0', 'none', 'a1', 'b1', 'a2', 'a3']);
});

test('a higher priority comes first, whoever has had their turn', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hand(hive, { ...many('a', 2, { priority: 9 }), ...many('b', 2) });
  expect(await run(hive, 'maya', 4)).toEqual(['a0', 'a1', 'b0', 'b1']);
});

test('within a group a task that comes back keeps its place', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hand(hive, { ...many('a', 2), ...many('b', 2) });
  const first = await hive.take('maya');
  await hive.do({ kind: 'release', actor: 'maya', taskId: first.task.id, leaseToken: first.token });
  expect(await run(hive, 'maya', 4)).toEqual(['b0', 'a0', 'b1', 'a1']);
});

test('a kernel that does not remember whose turn it was goes by the order of submission once more', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hand(hive, { ...many('a', 2), ...many('b', 1) });
  expect(await run(hive, 'maya', 1)).toEqual(['a0']);
  const { store } = hive.pipeline;
  expect(await run(new Hive(new Pipeline(store)), 'maya', 2)).toEqual(['a1', 'b0']);
});
