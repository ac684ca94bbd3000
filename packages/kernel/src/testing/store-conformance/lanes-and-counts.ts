import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mayFollow } from '../../core/lifecycle.ts';
import type { Store } from '../../core/store.ts';
import { TASK_STATUSES, type Task, type TaskStatus } from '../../core/task.ts';
import { Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

/** How many are queued in each of the lanes that are listed. */
async function queuedByLane(store: Store): Promise<Record<string, number>> {
  const needs = [...(await store.survey()).lanes.keys()].map((lane) => ({ lane, after: null, limit: 1000 }));
  const { lanes } = await store.load({ lanes: needs });
  return Object.fromEntries([...lanes].map(([key, { tasks }]) => [key, tasks.length]));
}

/** What is kept, because counting would take too long. */
export function lanesAndCounts(driver: Driver): void {
  test('an empty store counts nothing, of every status', async () => {
    const { store } = await openFor(driver);
    expect((await store.survey()).tasks).toEqual(Object.fromEntries(TASK_STATUSES.map((status) => [status, 0])));
    expect(await queuedByLane(store)).toEqual({});
    expect(await store.oldestQueued()).toBeNull();
  });

  test('a lane is listed with what it requires while something is queued in it', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add({ requirements: { region: 'eu' } });
    expect([...(await scribe.store.survey()).lanes.values()]).toMatchObject([
      { key: task.lane, requirements: { region: 'eu' } },
    ]);
    const taken = await scribe.change(task, { status: 'executing' });
    expect(await queuedByLane(scribe.store)).toEqual({});
    await scribe.change(taken, { status: 'queued' });
    expect(await queuedByLane(scribe.store)).toEqual({ [task.lane]: 1 });
  });

  test('the oldest in the queue tells how long it has been waiting', async () => {
    const scribe = await openFor(driver);
    const first = await scribe.add();
    scribe.at += 5000;
    const second = await scribe.add({ priority: 9 });
    expect(await scribe.store.oldestQueued()).toBe(first.queuedAt);
    await scribe.change(first, { status: 'executing' });
    expect(await scribe.store.oldestQueued()).toBe(second.queuedAt);
  });

  test('counts and lanes are what counting would find, whatever happened', async () => {
    const step = fc.record({
      task: fc.nat(),
      to: fc.constantFrom(...TASK_STATUSES),
      lane: fc.nat(2),
      stale: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const store = await driver.open();
        try {
          const scribe = new Scribe(store);
          const tasks: Task[] = [];
          for (const { task, to, lane, stale } of steps) {
            const prev = tasks[task % (tasks.length + 1)];
            if (!prev) tasks.push(await scribe.add({ requirements: { lane } }, { status: to }));
            else if (stale) await conflict(scribe, prev, to);
            else if (mayFollow(prev.status, to)) tasks[tasks.indexOf(prev)] = await scribe.change(prev, { status: to });
          }
          expect((await store.survey()).tasks).toEqual(
            Object.fromEntries(TASK_STATUSES.map((status) => [status, count(tasks, (t) => t.status === status)])),
          );
          const lanes = new Set(tasks.filter((t) => t.status === 'queued').map((t) => t.lane));
          expect(await queuedByLane(store)).toEqual(
            Object.fromEntries([...lanes].map((l) => [l, count(tasks, (t) => t.status === 'queued' && t.lane === l)])),
          );
        } finally {
          await store.close();
        }
      }),
      { numRuns: 40 },
    );
  });
}

/** A commit that fails leaves the counts alone. */
async function conflict(scribe: Scribe, task: Task, to: TaskStatus): Promise<void> {
  const stale = { ...task, version: task.version + 7 };
  const unit = { puts: [{ kind: 'task' as const, prev: stale, next: { ...stale, status: to } }], events: [] };
  expect((await scribe.store.commit([unit], scribe.at)).outcomes).toEqual(['conflict']);
}

function count(tasks: readonly Task[], is: (task: Task) => boolean): number {
  return tasks.filter(is).length;
}
