import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BEYOND_COUNTING } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { insert, Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

/** Where a task stands in the queue as a whole. */
export function positions(driver: Driver): void {
  test('places are counted over all lanes: by priority, then by submission', async () => {
    const scribe = await openFor(driver);
    const low = await scribe.add({ priority: 1, requirements: { region: 'eu' } });
    const first = await scribe.add({ priority: 5 });
    const second = await scribe.add({ priority: 5, requirements: { region: 'eu' } });
    const high = await scribe.add({ priority: 10, requirements: { region: 'us' } });
    const places = await Promise.all([high, first, second, low].map((task) => scribe.store.position(task)));
    expect(places).toEqual([1, 2, 3, 4]);
  });

  test('only what is queued counts', async () => {
    const scribe = await openFor(driver);
    await scribe.add({}, { status: 'pending', pendingReason: 'scheduled' });
    await scribe.add({}, { status: 'executing' });
    await scribe.add({}, { status: 'completed' });
    const before = await scribe.add();
    const task = await scribe.add();
    expect(await scribe.store.position(task)).toBe(2);
    await scribe.change(before, { status: 'executing' });
    expect(await scribe.store.position(task)).toBe(1);
  });

  test('a place that nobody has yet can be asked for', async () => {
    const scribe = await openFor(driver);
    expect(await scribe.store.position({ priority: 4, seq: 0 })).toBe(1);
    await scribe.add({ priority: 4 });
    await scribe.add({ priority: 5 });
    await scribe.add({ priority: 6 });
    expect(await scribe.store.position({ priority: 4, seq: 0 })).toBe(3);
    expect(await scribe.store.position({ priority: -1, seq: 0 })).toBe(4);
  });

  test('is what counting the sorted queue gives, whatever stands in which lane', async () => {
    const plan = fc.record({ priority: fc.integer({ min: 0, max: 3 }), lane: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { maxLength: 30, size: 'max' }), async (plans) => {
        const scribe = new Scribe(await driver.open());
        try {
          const tasks: Task[] = [];
          for (const { priority, lane } of plans) tasks.push(await scribe.add({ priority, requirements: { lane } }));
          const sorted = tasks.sort((a, b) => b.priority - a.priority || a.seq - b.seq);
          const places = await Promise.all(sorted.map((task) => scribe.store.position(task)));
          expect(places).toEqual(sorted.map((_, at) => at + 1));
        } finally {
          await scribe.store.close();
        }
      }),
      { numRuns: 20 },
    );
  });

  test('is exact up to 10,000; what is further back is told to be', async () => {
    const scribe = await openFor(driver);
    const first = await scribe.draft();
    const { firstSequence } = await scribe.store.load({ sequences: 12_000 });
    const tasks = Array.from({ length: 12_000 }, (_, n) => {
      const lane = String(n % 7);
      return { ...first, id: `t-${n}`, seq: firstSequence + n, lane, priority: n < 6_000 ? 5 : 6 };
    });
    for (let from = 0; from < tasks.length; from += 1_000) {
      await scribe.commit(...tasks.slice(from, from + 1_000).map(insert));
    }
    const place = (n: number) => scribe.store.position(tasks[n]!);
    expect(await Promise.all([place(6_000), place(11_999), place(0), place(3_999)])).toEqual([1, 6_000, 6_001, 10_000]);
    expect(await Promise.all([place(4_000), place(5_999)])).toEqual([BEYOND_COUNTING, BEYOND_COUNTING]);
  });
}
