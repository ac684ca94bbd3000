import { expect, onTestFinished, test } from 'vitest';
import type { Retention, Store, Unit } from '../../core/store.ts';
import type { Task, TaskStatus } from '../../core/task.ts';
import { savedSince } from '../portrait.ts';
import { about, after, DAWN, plain, type Scribe, update } from '../scribe.ts';
import { at } from './checkpoints.ts';
import { type Driver, openFor } from './driver.ts';

const TASKS: Retention = { endedBefore: DAWN, ledgerBefore: null, idempotencyBefore: 0 };
const DONE = { status: 'completed', completedAt: DAWN - 1, queuedAt: null, leaseToken: 5 } as const;

/** A task that ended like this, and that retention has removed. */
async function removed(scribe: Scribe, status: TaskStatus = 'completed'): Promise<Task> {
  const task = await scribe.add({}, { ...DONE, status });
  expect(await scribe.store.prune(TASKS, 10)).toBe(1);
  return task;
}

function back(task: Task): Unit {
  return { puts: [{ kind: 'task', prev: null, next: task }], events: [about(task, 'task_requeued')] };
}

function say(id: string, status: TaskStatus | null): Unit {
  return { puts: [{ kind: 'remains', id, status }], events: [] };
}

/** What whoever depends on a task finds in its place: how it ended, or nothing. */
async function found(store: Store, { id }: Task): Promise<TaskStatus | null> {
  const one = (await store.load({ tasks: [id] })).tasks.get(id);
  return one ? one.status : null;
}

/** Of a task that is not there: how it had ended, and how it has. */
async function left(store: Store, since: number, { id }: Task) {
  const item = (await savedSince(store, since)).find((one) => one.kind === 'task' && one.id === id);
  return item?.kind === 'task' ? { there: item.saved !== null, ...item.left } : undefined;
}

/** What is left of removed tasks when the colony goes back to checkpoints, and forward again. */
export function remains(driver: Driver): void {
  test('how a task had ended that is there again is kept, and can be left of it once more', async () => {
    const scribe = await openFor(driver);
    const task = await removed(scribe, 'failed');
    await scribe.save(at(1));
    const again = after(task, { status: 'queued', completedAt: null });
    await scribe.commit(back(again));
    expect(await left(scribe.store, 1, task)).toEqual({ there: false, saved: 'failed', current: null });
    const goes: Unit = { puts: [{ kind: 'task', prev: again, next: null }], events: [] };
    await scribe.commit({ ...goes, puts: [...goes.puts, ...say(task.id, 'failed').puts] });
    if (driver.reopen) scribe.store = await driver.reopen(scribe.store);
    expect(await found(scribe.store, task)).toBe('failed');
    expect(await left(scribe.store, 1, task)).toEqual({ there: false, saved: 'failed', current: 'failed' });
    const [item] = await savedSince(scribe.store, 1);
    expect(item).toMatchObject({ saved: null, current: null, version: 2, leaseToken: 5 });
    const third = after(again, {});
    await scribe.commit(back(third));
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(third));
    const history = await scribe.store.ledger.query({ taskId: task.id, limit: 9 });
    expect(history.map(({ type }) => type)).toEqual(['task_submitted', 'task_requeued', 'task_requeued']);
  });

  test('of one that had never been, or was there, no end is kept', async () => {
    const scribe = await openFor(driver);
    const there = await scribe.add({}, DONE);
    const never = await scribe.add();
    await scribe.remove(never);
    await scribe.save(at(1));
    const again = after(never, {});
    await scribe.commit(back(again), update(there, after(there, {})));
    expect(await left(scribe.store, 1, never)).toEqual({ there: false, saved: null, current: null });
    expect(await left(scribe.store, 1, there)).toEqual({ there: true, saved: null, current: null });
    await scribe.store.prune(TASKS, 10);
    expect(await left(scribe.store, 1, there)).toEqual({ there: true, saved: null, current: 'completed' });
  });

  test('what is left of a task can be made to say something else, and what it said is kept', async () => {
    const scribe = await openFor(driver);
    const task = await removed(scribe);
    await scribe.save(at(1));
    await scribe.commit(say(task.id, null));
    expect(await found(scribe.store, task)).toBeNull();
    expect(await left(scribe.store, 1, task)).toEqual({ there: false, saved: 'completed', current: null });
    await scribe.commit(say(task.id, 'cancelled'));
    if (driver.reopen) scribe.store = await driver.reopen(scribe.store);
    expect(await found(scribe.store, task)).toBe('cancelled');
    await scribe.save(at(2));
    await scribe.commit(say(task.id, 'completed'));
    expect(await left(scribe.store, 2, task)).toEqual({ there: false, saved: 'cancelled', current: 'completed' });
    expect(await left(scribe.store, 1, task)).toEqual({ there: false, saved: 'completed', current: 'completed' });
    const history = await scribe.store.ledger.query({ taskId: task.id, limit: 9 });
    expect(history.map(({ type }) => type)).toEqual(['task_submitted']);
  });

  test('of a task that is there, or of which nothing is left, nothing is said', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add();
    await scribe.commit(say(task.id, 'failed'), say('nobody', 'failed'));
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(task));
    const { tasks } = await scribe.store.load({ tasks: ['nobody'] });
    expect(tasks.get('nobody')).toBeNull();
    expect((await scribe.store.survey()).tasks).toMatchObject({ queued: 1, failed: 0 });
  });

  test('a unit that conflicts says nothing', async () => {
    const scribe = await openFor(driver);
    const task = await removed(scribe);
    const [other, fine] = [await scribe.add(), await scribe.add()];
    const stale = update(after(other, {}), after(after(other, {}), {}));
    const late = { ...stale, puts: [...stale.puts, ...say(task.id, null).puts] };
    const { outcomes } = await scribe.store.commit([late, update(fine, after(fine, {}))], DAWN);
    expect(outcomes).toEqual(['conflict', 'committed']);
    expect(await found(scribe.store, task)).toBe('completed');
  });

  test('an archive holds what was left of a task, and what is', async () => {
    const scribe = await openFor(driver);
    const task = await removed(scribe);
    await scribe.save(at(1));
    await scribe.commit(back(after(task, { status: 'queued', completedAt: null })));
    const copy = await driver.open();
    onTestFinished(() => copy.close());
    await scribe.store.ledger.seal();
    await copy.restore(scribe.store.dump());
    expect(await left(copy, 1, task)).toEqual({ there: false, saved: 'completed', current: null });
  });

  test('what is kept of one that is not there holds on to what is left of it, and no longer', async () => {
    const scribe = await openFor(driver);
    const task = await removed(scribe);
    await scribe.save(at(1));
    await scribe.commit(say(task.id, 'failed'));
    await scribe.commit({ puts: [], events: [about({ id: 'newest' })] });
    await scribe.store.ledger.seal();
    await scribe.store.prune({ ...TASKS, ledgerBefore: DAWN + 1 }, 100);
    expect(await found(scribe.store, task)).toBe('failed');
    await scribe.save(null);
    expect(await scribe.store.forgetSaved(2, 10)).toBe(1);
    expect(await found(scribe.store, task)).toBeNull();
  });
}
