import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { capabilityPool, groupPool, poolsOf } from '../../core/lane.ts';
import { mayFollow } from '../../core/lifecycle.ts';
import type { CommitLimits, Store, Unit } from '../../core/store.ts';
import { TASK_STATUSES, type Task, type TaskInput } from '../../core/task.ts';
import { after, insert, Scribe, update } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const [ACME, OTHER, OCR, RESIZE] = [
  groupPool('acme: ü 🐝'),
  groupPool('other'),
  capabilityPool('ocr'),
  capabilityPool('resize'),
];
const POOLS = [ACME, OTHER, OCR, RESIZE];

const KINDS: readonly Partial<TaskInput>[] = [
  {},
  { group: 'acme: ü 🐝' },
  { group: 'other', requirements: { capability: 'ocr' } },
  { group: 'acme: ü 🐝', requirements: { capabilities: ['ocr', 'resize'], capability: 'ocr' } },
  { requirements: { capability: 'resize', region: 'eu' } },
];

async function executing(store: Store): Promise<Record<string, number>> {
  return Object.fromEntries((await store.load({ pools: POOLS })).pools);
}

/** What counting would find. */
function counted(tasks: readonly Task[]): Record<string, number> {
  const running = tasks.filter(({ status }) => status === 'executing');
  const inPool = (pool: string) =>
    running.filter(({ lane, spec }) => poolsOf(lane, () => spec.value.requirements).includes(pool));
  return Object.fromEntries(POOLS.map((pool) => [pool, inPool(pool).length]));
}

/** How many tasks of a group, or of those that require a capability, are executing; and that it is not more than it may be. */
export function pools(driver: Driver): void {
  test('nothing is executing in pools that nobody has heard of', async () => {
    const { store } = await openFor(driver);
    expect(await executing(store)).toEqual({ [ACME]: 0, [OTHER]: 0, [OCR]: 0, [RESIZE]: 0 });
  });

  test('a task counts in each of its pools, once, as long as it is executing', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add(KINDS[3]);
    expect(await executing(scribe.store)).toEqual(counted([]));
    const taken = await scribe.change(task, { status: 'executing' });
    expect(await executing(scribe.store)).toEqual({ [ACME]: 1, [OTHER]: 0, [OCR]: 1, [RESIZE]: 1 });
    await scribe.change(taken, { progress: { fraction: 0.5, message: null, at: scribe.at } });
    expect(await executing(scribe.store)).toEqual({ [ACME]: 1, [OTHER]: 0, [OCR]: 1, [RESIZE]: 1 });
  });

  test('a task that is removed as if it had never been does not count any more', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add(KINDS[2], { status: 'executing' });
    await scribe.add(KINDS[2], { status: 'executing' });
    await scribe.remove(task);
    expect(await executing(scribe.store)).toMatchObject({ [OTHER]: 1, [OCR]: 1 });
  });

  test('retention changes nothing of what is counted', async () => {
    const scribe = await openFor(driver);
    const running = await scribe.add(KINDS[3], { status: 'executing' });
    await scribe.add(KINDS[3], { status: 'completed', completedAt: scribe.at - 10, queuedAt: null });
    await scribe.store.prune({ endedBefore: scribe.at, ledgerBefore: null, idempotencyBefore: 0 }, 10);
    expect(await executing(scribe.store)).toEqual(counted([running]));
  });

  test('what was dumped and restored counts as it did', async () => {
    const scribe = await openFor(driver);
    const tasks: Task[] = [];
    for (const kind of KINDS) tasks.push(await scribe.add(kind, { status: 'executing' }), await scribe.add(kind));
    await scribe.store.ledger.seal();
    const other = await openFor(driver);
    await other.store.restore(scribe.store.dump());
    expect(await executing(other.store)).toEqual(counted(tasks));
    if (!driver.join) return;
    const joined = await driver.join(other.store);
    expect(await executing(joined)).toEqual(counted(tasks));
    await joined.close();
  });

  test('what is counted is what counting would find, whatever happened', async () => {
    const step = fc.record({
      task: fc.nat(),
      to: fc.constantFrom(...TASK_STATUSES, 'executing' as const),
      kind: fc.nat(KINDS.length - 1),
      gone: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 12, size: 'max' }), async (batches) => {
        let store = await driver.open();
        try {
          const scribe = new Scribe(store);
          const tasks: Task[] = [];
          for (const steps of batches) {
            // What changes several times in a commit is written once.
            const units: Unit[] = [];
            for (const { task, to, kind, gone } of steps) {
              const at = task % (tasks.length + 1);
              const prev = tasks[at];
              if (!prev) units.push(insert(tasks[tasks.push(await scribe.draft(KINDS[kind], { status: to })) - 1]!));
              else if (gone && to === 'queued') {
                tasks.splice(at, 1);
                units.push({ puts: [{ kind: 'task', prev, next: null }], events: [] });
              } else if (mayFollow(prev.status, to)) {
                tasks[at] = after(prev, { status: to });
                units.push(update(prev, tasks[at]!));
              }
            }
            if (units.length > 0) await scribe.commit(...units);
          }
          expect(await executing(store)).toEqual(counted(tasks));
          if (driver.reopen) store = await driver.reopen(store);
          expect(await executing(store)).toEqual(counted(tasks));
        } finally {
          await store.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  describe('a cap', () => {
    async function start(scribe: Scribe, tasks: readonly Task[], limits: CommitLimits) {
      const units = tasks.map((task) => update(task, after(task, { status: 'executing' })));
      return (await scribe.store.commit(units, scribe.at, limits)).outcomes;
    }

    async function queued(scribe: Scribe, count: number, kind: number): Promise<Task[]> {
      const tasks: Task[] = [];
      for (let n = 0; n < count; n++) tasks.push(await scribe.add(KINDS[kind]));
      return tasks;
    }

    test('lets as many start as there is room for, whatever their lanes, and no more', async () => {
      const scribe = await openFor(driver);
      const tasks = [...(await queued(scribe, 2, 2)), ...(await queued(scribe, 2, 3)), ...(await queued(scribe, 1, 0))];
      const limits = { caps: [{ pool: OCR, most: 3 }] };
      expect(await start(scribe, tasks, limits)).toEqual([
        ...['committed', 'committed', 'committed', 'conflict'],
        'committed',
      ]);
      expect(await executing(scribe.store)).toMatchObject({ [OCR]: 3 });
      expect(await start(scribe, await queued(scribe, 1, 2), limits)).toEqual(['conflict']);
      expect(await start(scribe, await queued(scribe, 1, 4), limits)).toEqual(['committed']);
    });

    test('of several holds each, together with the room that the colony has', async () => {
      const scribe = await openFor(driver);
      const tasks = [...(await queued(scribe, 2, 1)), ...(await queued(scribe, 2, 2)), ...(await queued(scribe, 2, 0))];
      const caps = [
        { pool: ACME, most: 1 },
        { pool: OCR, most: 1 },
      ];
      const outcomes = await start(scribe, tasks, { caps, room: 3 });
      expect(outcomes).toEqual(['committed', 'conflict', 'committed', 'conflict', 'committed', 'conflict']);
    });

    test('does not mind who takes the place of another, nor what was executing before it', async () => {
      const scribe = await openFor(driver);
      const [a, b, c] = (await queued(scribe, 3, 2)) as [Task, Task, Task];
      await start(scribe, [a, b], {});
      const running = (await scribe.store.task(a.id))!;
      const done = after(running, { status: 'completed' as const, completedAt: scribe.at });
      const swap: Unit = {
        puts: [
          { kind: 'task', prev: running, next: done },
          { kind: 'task', prev: c, next: after(c, { status: 'executing' as const }) },
        ],
        events: [],
      };
      const limits = { caps: [{ pool: OCR, most: 0 }] };
      expect((await scribe.store.commit([swap], scribe.at, limits)).outcomes).toEqual(['committed']);
      expect(await executing(scribe.store)).toMatchObject({ [OCR]: 2 });
    });

    if (driver.join) {
      test('is never exceeded by two kernels together, and is used up', async () => {
        const one = await openFor(driver);
        const other = new Scribe(await driver.join!(one.store));
        const limits = { caps: [{ pool: OCR, most: 5 }] };
        const tasks = await queued(one, 16, 2);
        const started = await Promise.all(
          tasks.map(async (task, n) => (await start(n % 2 ? one : other, [task], limits))[0]),
        );
        await other.store.close();
        expect(started.filter((outcome) => outcome === 'committed').length).toBe(5);
        expect(await executing(one.store)).toMatchObject({ [OCR]: 5 });
      });
    }

    test('of 0 lets nothing start', async () => {
      const scribe = await openFor(driver);
      expect(await start(scribe, await queued(scribe, 1, 4), { caps: [{ pool: RESIZE, most: 0 }] })).toEqual([
        'conflict',
      ]);
    });
  });
}
