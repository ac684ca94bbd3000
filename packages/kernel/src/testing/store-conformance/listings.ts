import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store, TaskQuery } from '../../core/store.ts';
import { TASK_STATUSES, type Task } from '../../core/task.ts';
import { Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const ALL: TaskQuery = { limit: 1000, maxBytes: Number.POSITIVE_INFINITY };

async function list(store: Store, query: Partial<TaskQuery>): Promise<{ ids: string[]; more: boolean }> {
  const { items, more } = await store.tasks({ ...ALL, ...query });
  return { ids: items.map((task) => task.id), more };
}

/** Listings, newest first, by any combination of conditions, a page at a time. */
export function listings(driver: Driver): void {
  test('the newest come first', async () => {
    const scribe = await openFor(driver);
    const [one, two] = [await scribe.add(), await scribe.add({ priority: 10 })];
    expect(await list(scribe.store, {})).toEqual({ ids: [two.id, one.id], more: false });
  });

  test('a page tells whether there is more, and the next one goes on behind it', async () => {
    const scribe = await openFor(driver);
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.unshift((await scribe.add()).id);
    expect(await list(scribe.store, { limit: 3 })).toEqual({ ids, more: false });
    const first = await scribe.store.tasks({ ...ALL, limit: 2 });
    expect(first.more).toBe(true);
    expect(await list(scribe.store, { before: first.items.at(-1)!.seq })).toEqual({ ids: ids.slice(2), more: false });
  });

  test('a page ends early when its tasks get too large, but never empty', async () => {
    const scribe = await openFor(driver);
    const payload = 'x'.repeat(1000);
    const result = JSON.stringify(payload);
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.unshift((await scribe.add({ payload }, { status: 'completed', result })).id);
    expect(await list(scribe.store, { maxBytes: 10 })).toEqual({ ids: ids.slice(0, 1), more: true });
    expect(await list(scribe.store, { maxBytes: 6000 })).toEqual({ ids: ids.slice(0, 2), more: true });
    expect(await list(scribe.store, { maxBytes: 60_000 })).toEqual({ ids, more: false });
  });

  test('each condition, and any of them together, lists what fulfils all', async () => {
    const plan = fc.record({
      status: fc.constantFrom(...TASK_STATUSES),
      createdBy: fc.constantFrom('ann', 'bob'),
      worker: fc.constantFrom(null, 'bee-1', 'bee-2'),
      plan: fc.constantFrom(null, 'p-1', 'p-2'),
      tags: fc.uniqueArray(fc.constantFrom('red', 'green', "o'blue")),
    });
    const conditions = fc.record(
      {
        status: fc.constantFrom(...TASK_STATUSES),
        createdBy: fc.constantFrom('ann', 'bob', 'nobody'),
        workerId: fc.constantFrom('bee-1', 'bee-2'),
        planId: fc.constantFrom('p-1', 'p-2', 'none'),
        tag: fc.constantFrom('red', "o'blue", 'none'),
        before: fc.nat(25),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { maxLength: 20, size: 'max' }),
        fc.array(conditions, { minLength: 5, maxLength: 5 }),
        fc.integer({ min: 1, max: 5 }),
        async (plans, queries, limit) => {
          const store = await driver.open();
          try {
            const scribe = new Scribe(store);
            const tasks: Task[] = [];
            for (const { status, createdBy, worker, plan, tags } of plans) {
              tasks.unshift(await scribe.add({ created_by: createdBy, tags }, { status, worker, plan }));
            }
            for (const query of queries) {
              const fitting = tasks.filter((task) => fits(task, query)).map((task) => task.id);
              expect(await list(store, query)).toEqual({ ids: fitting, more: false });
              expect(await list(store, { ...query, limit })).toEqual({
                ids: fitting.slice(0, limit),
                more: fitting.length > limit,
              });
            }
          } finally {
            await store.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  });
}

function fits(task: Task, query: Partial<TaskQuery>): boolean {
  return (
    (query.status === undefined || task.status === query.status) &&
    (query.createdBy === undefined || task.spec.value.created_by === query.createdBy) &&
    (query.workerId === undefined || task.worker === query.workerId) &&
    (query.planId === undefined || task.plan === query.planId) &&
    (query.tag === undefined || task.spec.value.tags.includes(query.tag)) &&
    (query.before === undefined || task.seq < query.before)
  );
}
