/** Where tasks age, those of low priority are done as well. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Claim, Replies } from '../core/command.ts';
import { Hive } from '../testing/hive.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';

test('a task of low priority is not kept waiting for ever by those that keep coming', async () => {
  const hive = await Hive.begin({ priorityAgingMs: 60_000 });
  await hive.hire('maya');
  await hive.submit('low', { priority: 0 });
  const done: string[] = [];
  for (let minute = 0; minute < 8; minute++) {
    await hive.submit(`high ${minute}`, { priority: 5 });
    const assignment = await hive.take('maya');
    done.push(assignment.task.id);
    await hive.complete(assignment);
    await hive.pipeline.clock.advance(60_000);
  }
  // After five minutes it counts as 5, and it came first.
  expect(done).toEqual(['high 0', 'high 1', 'high 2', 'high 3', 'high 4', 'low', 'high 5', 'high 6']);
});

test('without aging it is', async () => {
  const hive = await Hive.begin();
  await hive.hire('maya');
  await hive.submit('low', { priority: 0 });
  await hive.pipeline.clock.advance(86_400_000);
  await hive.submit('high', { priority: 5 });
  expect((await hive.take('maya')).task.id).toBe('high');
});

test('among those that count as equal, groups take turns', async () => {
  const hive = await Hive.begin({ priorityAgingMs: 1000 });
  await hive.hire('maya', 9);
  await hive.submit('a1', { priority: 4, group: 'a' });
  await hive.submit('a2', { priority: 4, group: 'a' });
  await hive.pipeline.clock.advance(1000);
  await hive.submit('b1', { priority: 5, group: 'b' });
  await hive.submit('b2', { priority: 5, group: 'b' });
  expect((await hive.claim('maya', 9)).map(({ task }) => task.id)).toEqual(['a1', 'b1', 'a2', 'b2']);
});

const LANES = ['dig', 'fly'] as const;
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('submit' as const),
      priority: fc.nat(10),
      lane: fc.constantFrom(...LANES),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('claim' as const), max: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(3000) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'release' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'commit' as const }) },
);

interface Listed {
  readonly id: string;
  readonly priority: number;
  readonly createdAt: number;
  held: boolean;
}

test('claims get the best of all lanes and priorities, each counted as old as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const pipeline = await Pipeline.open({ priorityAgingMs: 1000 });
      try {
        const about = { name: 'maya', capabilities: LANES.map((name) => ({ name })), attributes: {} };
        await pipeline.run({ kind: 'register', actor: 'ann', id: 'maya', ...about, maxConcurrentTasks: 999 });
        const list: Listed[] = [];
        let batch: Promise<unknown>[] = [];
        const commit = () => Promise.all(batch.splice(0));
        for (const one of [...steps, { kind: 'commit' as const }]) {
          const { wall } = pipeline.clock.now();
          if (one.kind === 'submit') {
            const task = { id: `t${list.length}`, priority: one.priority, createdAt: wall, held: false };
            list.push(task);
            const input = { priority: one.priority, requirements: { capability: one.lane } };
            batch.push(pipeline.run({ kind: 'submit', actor: 'ann', tasks: [newTask(task.id, input, wall)] }));
          } else if (one.kind === 'claim') {
            const due = best(list, one.max, wall);
            const claim: Claim = { kind: 'claim', actor: 'worker:maya', workerId: 'maya', max: one.max };
            batch.push(pipeline.run(claim).then((answer) => expect(idsIn(answer as Replies['claim'])).toEqual(due)));
          } else if (one.kind === 'release') {
            await commit();
            for (const task of list) task.held = false;
            await pipeline.run({ kind: 'heartbeat', actor: 'worker:maya', workerId: 'maya', tasks: [] });
          } else {
            await commit();
            if (one.kind === 'wait') await pipeline.clock.advance(one.ms);
          }
        }
        batch = [];
      } finally {
        await pipeline.store.close();
      }
    }),
    { numRuns: 60, interruptAfterTimeLimit: 15_000 },
  );
});

function idsIn({ assignments }: Replies['claim']): string[] {
  return assignments.map(({ task }) => task.id);
}

/** Every task is queued when it is handed in, and what comes back has waited since then: so its age is all that counts. */
function best(list: Listed[], max: number, now: number): string[] {
  const aged = ({ priority, createdAt }: Listed) => Math.min(10, priority + Math.floor((now - createdAt) / 1000));
  const chosen = list
    .map((task, order) => ({ task, order }))
    .filter(({ task }) => !task.held)
    .sort((a, b) => aged(b.task) - aged(a.task) || a.order - b.order)
    .slice(0, max);
  for (const { task } of chosen) task.held = true;
  return chosen.map(({ task }) => task.id);
}

test('what is known of a thousand lanes, of each of which all priorities are looked at, is not asked for again', async () => {
  const hive = await Hive.begin({ priorityAgingMs: 60_000 });
  const { pipeline } = hive;
  const rooms = Array.from({ length: 1000 }, (_, n) => `room ${n}`);
  const tasks = rooms.map((room) => newTask(room, { requirements: { room } }, pipeline.clock.now().wall));
  await pipeline.run({ kind: 'submit', actor: 'ann', tasks });
  const about = { name: 'maya', capabilities: [], attributes: { room: rooms }, maxConcurrentTasks: 1 };
  await pipeline.run({ kind: 'register', actor: 'ann', id: 'maya', ...about });
  // After so many commits that nobody else disturbed, a kernel goes on with what it knows.
  for (let n = 0; n < 10; n++) await hive.complete(await hive.take('maya'));
  const { load } = pipeline.store;
  let asked = 0;
  pipeline.store.load = (needs) => {
    asked += needs.lanes?.length ?? 0;
    return load.call(pipeline.store, needs);
  };
  for (let n = 10; n < 20; n++) {
    const assignment = await hive.take('maya');
    expect(assignment.task.id).toBe(`room ${n}`);
    await hive.complete(assignment);
  }
  expect(asked).toBe(0);
});
