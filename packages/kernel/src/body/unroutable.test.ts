/** Tasks that nobody can ever do are told of: after a while, once, and again when that has changed in between. */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { TaskInput } from '../core/task.ts';
import { newTask, Pipeline } from '../testing/pipeline.ts';
import { unroutableAt } from './told.ts';
import { Unroutable } from './unroutable.ts';

const GRACE_MS = 2000;

/** A body, and what looks over its queue when it is told to. */
class Colony {
  readonly pipeline: Pipeline;
  #unroutable: Unroutable;
  #made = 0;

  static async open(): Promise<Colony> {
    const colony = new Colony(await Pipeline.open());
    onTestFinished(() => colony.pipeline.store.close());
    return colony;
  }

  constructor(pipeline: Pipeline) {
    this.pipeline = pipeline;
    this.#unroutable = new Unroutable(pipeline.store);
  }

  /** Another kernel does it from now on. */
  restart(): void {
    this.#unroutable = new Unroutable(this.pipeline.store);
  }

  async submit(capability: string, input: Partial<TaskInput> = {}): Promise<string> {
    const id = `t${++this.#made}`;
    const task = newTask(id, { requirements: { capability }, ...input }, this.pipeline.clock.now().wall);
    await this.pipeline.run({ kind: 'submit', actor: 'ann', tasks: [task] });
    return id;
  }

  async hire(...capabilities: string[]): Promise<string> {
    const id = `bee-${++this.#made}`;
    const about = {
      name: id,
      capabilities: capabilities.map((name) => ({ name })),
      attributes: {},
      maxConcurrentTasks: 1,
    };
    await this.pipeline.run({ kind: 'register', actor: 'ann', id, ...about });
    return id;
  }

  async fire(workerId: string): Promise<void> {
    await this.pipeline.run({ kind: 'unregister', actor: 'ann', workerId, reason: 'unregistered' });
  }

  /** Looks once after `ms`, and has what comes of it decided; answers of which tasks it was told. */
  async look(ms = 0): Promise<string[]> {
    await this.pipeline.clock.advance(ms);
    this.pipeline.happened.length = 0;
    const marks = await this.#unroutable.look(await this.pipeline.store.workers(), this.pipeline.clock.now());
    await this.pipeline.together(marks);
    const entries = this.pipeline.happened.flatMap((happened) => happened.entries);
    return entries.filter(({ type }) => type === 'task_unroutable').map(({ taskId }) => taskId!);
  }
}

test('a task that nobody can do is told of after two seconds, once, with what it needs', async () => {
  const colony = await Colony.open();
  await colony.hire('dig');
  const id = await colony.submit('fly', { requirements: { capability: 'fly', region: 'eu' } });
  await colony.submit('dig');
  expect(await colony.look()).toEqual([]);
  expect(await colony.look(GRACE_MS - 1)).toEqual([]);
  expect(await colony.look(1)).toEqual([id]);
  const { store } = colony.pipeline;
  const [entry] = await store.ledger.query({ type: 'task_unroutable', limit: 9 });
  expect(entry).toMatchObject({ source: 'neurosphere', actor: 'kernel', taskId: id });
  expect(JSON.parse(entry!.data)).toEqual({
    reason: 'no registered worker can do this; it needs capability fly, attribute region eu',
    task_id: id,
  });
  const told = (await store.task(id))!;
  expect(told).toMatchObject({ status: 'queued', version: 2 });
  expect(unroutableAt(told)).toBe(colony.pipeline.clock.now().wall);
  for (let again = 0; again < 3; again++) expect(await colony.look(GRACE_MS)).toEqual([]);
});

test('workers that come a moment after the tasks are in time', async () => {
  const colony = await Colony.open();
  await colony.submit('fly');
  await colony.look();
  await colony.look(GRACE_MS - 1);
  await colony.hire('fly');
  expect(await colony.look(GRACE_MS)).toEqual([]);
});

test('who is offline could still come back; who has left could not', async () => {
  const colony = await Colony.open();
  const worker = await colony.hire('fly');
  const id = await colony.submit('fly');
  await colony.look();
  await colony.pipeline.run({ kind: 'lose_worker', actor: 'kernel', workerId: worker });
  expect(await colony.look(GRACE_MS)).toEqual([]);
  await colony.fire(worker);
  expect(await colony.look()).toEqual([]);
  expect(await colony.look(GRACE_MS)).toEqual([id]);
});

test('it is told again once somebody who could has come and gone, however far the clock was put back meanwhile', async () => {
  const colony = await Colony.open();
  const id = await colony.submit('fly');
  await colony.look();
  expect(await colony.look(GRACE_MS)).toEqual([id]);
  for (const jump of [0, -86_400_000, 3_600_000, -3_600_000]) {
    const worker = await colony.hire('fly');
    expect(await colony.look(GRACE_MS)).toEqual([]);
    await colony.fire(worker);
    expect(await colony.look(GRACE_MS)).toEqual([]);
    colony.pipeline.clock.jump(jump);
    expect(await colony.look(GRACE_MS)).toEqual([id]);
    for (let again = 0; again < 3; again++) expect(await colony.look(GRACE_MS)).toEqual([]);
  }
});

test('another kernel that takes over does not tell it again', async () => {
  const colony = await Colony.open();
  const id = await colony.submit('fly');
  await colony.look();
  expect(await colony.look(GRACE_MS)).toEqual([id]);
  colony.restart();
  const other = await colony.submit('fly');
  await colony.look();
  expect(await colony.look(GRACE_MS)).toEqual([other]);
});

test('a task that joins others which nobody can do is told of at the next look', async () => {
  const colony = await Colony.open();
  await colony.submit('fly');
  await colony.look();
  await colony.look(GRACE_MS);
  const late = await colony.submit('fly');
  expect(await colony.look()).toEqual([late]);
});

test('of many that need the same, the first hundred are told of', async () => {
  const colony = await Colony.open();
  const ids: string[] = [];
  for (let n = 0; n < 130; n++) ids.push(await colony.submit('fly', { priority: n < 30 ? 1 : 5 }));
  await colony.look();
  const told = await colony.look(GRACE_MS);
  expect(told).toEqual(ids.slice(30));
  expect(await colony.look(GRACE_MS)).toEqual([]);
});

test('of many different, some are told of at each look, until all are', async () => {
  const colony = await Colony.open();
  const ids: string[] = [];
  for (let n = 0; n < 35; n++) ids.push(await colony.submit(`fly-${n}`));
  await colony.look();
  await colony.look(GRACE_MS - 1);
  const looks: string[][] = [];
  for (let n = 0; n < 4; n++) looks.push(await colony.look(1));
  expect(looks.map(({ length }) => length)).toEqual([10, 10, 10, 5]);
  expect(looks.flat().sort()).toEqual([...ids].sort());
  expect(await colony.look(1)).toEqual([]);
});

test('with more workers and requirements than one look takes, nothing is told before all were looked at', async () => {
  const colony = await Colony.open();
  // Only the last of the workers can do most of it.
  await Promise.all(Array.from({ length: 500 }, (_, n) => colony.hire(n === 499 ? 'swim' : 'dig')));
  for (let n = 0; n < 130; n++) await colony.submit('', { requirements: { capability: 'swim', beeId: `${n}` } });
  const lost = await colony.submit('fly');
  const told: string[] = [];
  for (let look = 1; look <= 5; look++) told.push(...(await colony.look(GRACE_MS)));
  expect(told).toEqual([lost]);
});

test('workers that have gone are forgotten, which changes nothing', async () => {
  const colony = await Colony.open();
  const gone = await Promise.all(Array.from({ length: 1100 }, () => colony.hire('dig')));
  const id = await colony.submit('fly');
  await colony.look();
  expect(await colony.look(GRACE_MS)).toEqual([id]);
  await Promise.all(gone.map((worker) => colony.fire(worker)));
  expect(await colony.look(GRACE_MS)).toEqual([]);
  const worker = await colony.hire('fly');
  expect(await colony.look(GRACE_MS)).toEqual([]);
  await colony.fire(worker);
  await colony.look();
  expect(await colony.look(GRACE_MS)).toEqual([id]);
});

type Step =
  | { readonly kind: 'hire' | 'submit'; readonly able: string }
  | { readonly kind: 'fire'; readonly which: number }
  | { readonly kind: 'look' };

const able = fc.constantFrom('dig', 'fly', 'swim');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('hire' as const, 'submit' as const), able }),
  fc.record({ kind: fc.constant('fire' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('look' as const) }),
  fc.record({ kind: fc.constant('look' as const) }),
);

test('whoever comes and goes: a task is told of once for each spell in which nobody can do it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const colony = new Colony(await Pipeline.open());
      const workers: { id: string; able: string }[] = [];
      const tasks: { id: string; able: string; told: number }[] = [];
      /** Of each ability: which spell without it this is, and how many looks it has lasted. */
      const spells = new Map<string, { number: number; looks: number }>();
      try {
        for (const each of steps) {
          if (each.kind === 'hire') workers.push({ id: await colony.hire(each.able), able: each.able });
          else if (each.kind === 'submit') tasks.push({ id: await colony.submit(each.able), able: each.able, told: 0 });
          else if (each.kind === 'fire') {
            const [gone] = workers.splice(each.which % (workers.length || 1), 1);
            if (gone) await colony.fire(gone.id);
          } else {
            const expected: string[] = [];
            for (const needed of new Set(tasks.map((task) => task.able))) {
              const spell = spells.get(needed) ?? { number: 1, looks: 0 };
              const isLost = !workers.some((worker) => worker.able === needed);
              if (!isLost && spell.looks > 0) spell.number++;
              spell.looks = isLost ? spell.looks + 1 : 0;
              spells.set(needed, spell);
              for (const task of tasks) {
                if (task.able !== needed || spell.looks < 2 || task.told === spell.number) continue;
                task.told = spell.number;
                expected.push(task.id);
              }
            }
            expect((await colony.look(GRACE_MS)).sort()).toEqual(expected.sort());
          }
        }
      } finally {
        await colony.pipeline.store.close();
      }
    }),
    { numRuns: 60 },
  );
});
