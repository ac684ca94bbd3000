import fc from 'fast-check';
import { expect, test } from 'vitest';
import { levelOf, requirementsKey } from '../../core/lane.ts';
import type { LaneNeed, QueueRank, Store } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { after, insert, Scribe, update } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const LANE = requirementsKey({});

async function page(store: Store, need: Partial<LaneNeed>): Promise<{ ids: string[]; tasks: Task[]; more: boolean }> {
  const whole = { lane: LANE, after: null, limit: 100, ...need };
  const { tasks, more } = (await store.load({ lanes: [whole] })).lanes.get(whole.lane)!;
  return { ids: tasks.map((task) => task.id), tasks: [...tasks], more };
}

/** The order in which a lane is served, and reading it a piece at a time. */
export function queue(driver: Driver): void {
  test('a lane is ordered by priority, then by submission', async () => {
    const scribe = await openFor(driver);
    const [low, first, second, high] = [
      await scribe.add({ priority: 1 }),
      await scribe.add({ priority: 5 }),
      await scribe.add({ priority: 5 }),
      await scribe.add({ priority: 10 }),
    ];
    expect((await page(scribe.store, {})).ids).toEqual([high, first, second, low].map((task) => task!.id));
  });

  test('only what is queued is in it', async () => {
    const scribe = await openFor(driver);
    await scribe.add({}, { status: 'pending', pendingReason: 'scheduled' });
    await scribe.add({}, { status: 'executing' });
    await scribe.add({}, { status: 'completed' });
    const queued = await scribe.add();
    expect((await page(scribe.store, {})).ids).toEqual([queued.id]);
  });

  test('lanes do not see each other', async () => {
    const scribe = await openFor(driver);
    const here = await scribe.add();
    const there = await scribe.add({ requirements: { region: 'eu' } });
    expect((await page(scribe.store, {})).ids).toEqual([here.id]);
    expect((await page(scribe.store, { lane: there.lane })).ids).toEqual([there.id]);
  });

  test('a lane nobody ever used is empty', async () => {
    const { store } = await openFor(driver);
    expect(await page(store, { lane: 'nowhere' })).toEqual({ ids: [], tasks: [], more: false });
  });

  test('a task that comes back takes its old place', async () => {
    const scribe = await openFor(driver);
    const first = await scribe.add();
    const second = await scribe.add();
    const taken = await scribe.change(first, { status: 'executing', leaseToken: 1 });
    expect((await page(scribe.store, {})).ids).toEqual([second.id]);
    await scribe.change(taken, { status: 'queued' });
    expect((await page(scribe.store, {})).ids).toEqual([first.id, second.id]);
  });

  test('tells whether more is queued behind a piece, exactly', async () => {
    const scribe = await openFor(driver);
    for (let n = 0; n < 3; n++) await scribe.add();
    expect((await page(scribe.store, { limit: 2 })).more).toBe(true);
    expect((await page(scribe.store, { limit: 3 })).more).toBe(false);
    expect((await page(scribe.store, { limit: 4 })).more).toBe(false);
    const last = (await page(scribe.store, {})).tasks.at(-1)!;
    expect(await page(scribe.store, { after: last, limit: 1 })).toEqual({ ids: [], tasks: [], more: false });
  });

  test('one priority of a lane can be read by itself, in pieces', async () => {
    const scribe = await openFor(driver);
    const at: Task[][] = Array.from({ length: 11 }, () => []);
    for (let n = 0; n < 3; n++) {
      for (const priority of [0, 1, 9, 10]) at[priority]!.push(await scribe.add({ priority }));
    }
    for (const priority of [0, 1, 5, 9, 10]) {
      const level = levelOf(LANE, priority);
      const read = async (after: QueueRank | null, limit: number) => {
        const needs = { lanes: [{ lane: LANE, priority, after, limit }] };
        const { tasks, more } = (await scribe.store.load(needs)).lanes.get(level)!;
        return { ids: tasks.map(({ id }) => id), more };
      };
      const [first, second, third] = at[priority]!;
      if (!first) {
        expect(await read(null, 9)).toEqual({ ids: [], more: false });
        continue;
      }
      expect(await read(null, 2)).toEqual({ ids: [first.id, second!.id], more: true });
      expect(await read(second!, 2)).toEqual({ ids: [third!.id], more: false });
      expect(await read(third!, 2)).toEqual({ ids: [], more: false });
    }
    const both = [9, 0].map((priority) => ({ lane: LANE, priority, after: null, limit: 1 }));
    expect([...(await scribe.store.load({ lanes: both })).lanes.keys()]).toEqual([levelOf(LANE, 9), levelOf(LANE, 0)]);
  });

  test('a place that is empty by now still divides what is before it from what is behind', async () => {
    const scribe = await openFor(driver);
    const tasks = [await scribe.add(), await scribe.add(), await scribe.add()];
    await scribe.change(tasks[1]!, { status: 'executing' });
    expect((await page(scribe.store, { after: tasks[1]! })).ids).toEqual([tasks[2]!.id]);
  });

  test('read in pieces of any size, with anything taken and returned before, it is the sorted list', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ priority: fc.integer({ min: 0, max: 3 }), way: fc.nat(2) }), {
          maxLength: 30,
          size: 'max',
        }),
        fc.integer({ min: 1, max: 7 }),
        async (plans, limit) => {
          const store = await driver.open();
          try {
            expect(await inPieces(store, limit)).toEqual([]);
            const queued = await fill(store, plans);
            const sorted = queued.sort((a, b) => b.priority - a.priority || a.seq - b.seq);
            expect(await inPieces(store, limit)).toEqual(sorted.map((task) => task.id));
          } finally {
            await store.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  async function fill(store: Store, plans: readonly { priority: number; way: number }[]): Promise<Task[]> {
    const scribe = new Scribe(store);
    const queued: Task[] = [];
    for (const { priority, way } of plans) {
      const task = await scribe.draft({ priority });
      await scribe.commit(insert(task));
      if (way === 0) queued.push(task);
      else {
        const taken = after(task, { status: 'executing' as const });
        const back = after(taken, { status: 'queued' as const });
        await scribe.commit(update(task, taken), ...(way === 1 ? [update(taken, back)] : []));
        if (way === 1) queued.push(back);
      }
    }
    return queued;
  }

  async function inPieces(store: Store, limit: number): Promise<string[]> {
    const ids: string[] = [];
    let behind: QueueRank | null = null;
    for (;;) {
      const piece = await page(store, { after: behind, limit });
      ids.push(...piece.ids);
      expect(piece.ids.length).toBeLessThanOrEqual(limit);
      if (!piece.more) return ids;
      behind = piece.tasks.at(-1)!;
    }
  }
}
