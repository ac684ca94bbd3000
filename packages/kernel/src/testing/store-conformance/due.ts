import { expect, test } from 'vitest';
import type { Due } from '../../core/store.ts';
import { DAWN } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

function ids({ ready, overdue }: Due): { ready: string[]; overdue: string[] } {
  return { ready: ready.map((task) => task.id), overdue: overdue.map((task) => task.id) };
}

/** What the sweeper asks: which waits and which attempts are over, and when to look again. */
export function due(driver: Driver): void {
  test('nothing is due where nothing waits', async () => {
    const scribe = await openFor(driver);
    await scribe.add();
    expect(await scribe.store.due({ wall: DAWN * 2, steady: DAWN * 2 }, 10)).toEqual({
      ready: [],
      overdue: [],
      documents: [],
      nextReadyAt: null,
      nextDeadline: null,
    });
  });

  test('waits end by the wall clock, the earliest first', async () => {
    const scribe = await openFor(driver);
    const wait = (dueAt: number) => scribe.add({}, { status: 'pending', pendingReason: 'scheduled', dueAt });
    const [later, soon, exact] = [await wait(DAWN + 30), await wait(DAWN + 10), await wait(DAWN + 20)];
    const now = { wall: DAWN + 20, steady: 0 };
    expect(ids(await scribe.store.due(now, 10)).ready).toEqual([soon.id, exact.id]);
    expect(ids(await scribe.store.due(now, 1)).ready).toEqual([soon.id]);
    expect((await scribe.store.due(now, 10)).nextReadyAt).toBe(soon.dueAt);
    for (const task of [soon, exact]) await scribe.change(task, { status: 'queued', dueAt: null, pendingReason: null });
    expect(await scribe.store.due(now, 10)).toMatchObject({ ready: [], nextReadyAt: later.dueAt });
  });

  test('attempts are over by the steady clock, the earliest first', async () => {
    const scribe = await openFor(driver);
    const run = (deadline: number) => scribe.add({}, { status: 'executing', deadline });
    const [later, soon, exact] = [await run(300), await run(100), await run(200)];
    const now = { wall: DAWN, steady: 200 };
    expect(ids(await scribe.store.due(now, 10)).overdue).toEqual([soon.id, exact.id]);
    expect(ids(await scribe.store.due(now, 1)).overdue).toEqual([soon.id]);
    expect((await scribe.store.due({ wall: DAWN, steady: 0 }, 0)).nextDeadline).toBe(100);
    for (const task of [soon, exact]) await scribe.change(task, { status: 'completed', deadline: null });
    expect(await scribe.store.due(now, 10)).toMatchObject({ overdue: [], nextDeadline: later.deadline });
  });

  test('a deadline that is put off counts anew', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add({}, { status: 'executing', deadline: 100 });
    await scribe.change(task, { deadline: 500 });
    expect(ids(await scribe.store.due({ wall: DAWN, steady: 499 }, 10)).overdue).toEqual([]);
    expect(ids(await scribe.store.due({ wall: DAWN, steady: 500 }, 10)).overdue).toEqual([task.id]);
  });
}
