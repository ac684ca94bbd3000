import { expect, test } from 'vitest';
import type { Retention, Unit } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { type Names, portrait, savedSince } from '../portrait.ts';
import { about, after, DAWN, insert, plain, type Scribe, update } from '../scribe.ts';
import { at } from './checkpoints.ts';
import { type Driver, openFor } from './driver.ts';
import { furnish, NAMES } from './furnished.ts';
import { tell } from './ledger.ts';

const TASKS: Retention = { endedBefore: DAWN, ledgerBefore: null, idempotencyBefore: 0 };

/** What a colony looks like, but for what is never taken back. */
async function picture({ store }: Scribe, names: Names = NAMES): Promise<unknown> {
  const { ledger, span, verification, histories, audit, saved, ...rest } = (await portrait(store, names)) as object & {
    [part: string]: unknown;
  };
  return rest;
}

/** Tasks of every kind, those that hang on others behind them. */
async function addAll(scribe: Scribe): Promise<Task[]> {
  const top = await scribe.add({ tags: ['a', 'new'], requirements: { region: 'nowhere' }, created_by: 'bob' });
  const held = { worker: 'bee-1', leaseToken: 9, startedAt: DAWN, deadline: DAWN + 5 } as const;
  const ended = { completedAt: DAWN - 20, queuedAt: null } as const;
  return [
    top,
    await scribe.add({ parent_id: top.id, depends_on: ['task-2', top.id] }, { status: 'pending', unmet: 1, depth: 1 }),
    await scribe.add({}, { status: 'pending', pendingReason: 'scheduled', dueAt: DAWN + 1 }),
    await scribe.add({ tags: ['b'], priority: 9 }, { status: 'executing', ...held }),
    await scribe.add({ parent_id: 'task-2' }, { status: 'completed', worker: 'bee-2', result: '1', ...ended }),
    await scribe.add({}, { status: 'cancelled', ...ended }),
    await scribe.add({ priority: 10 }, { queuedAt: DAWN - 50 }),
  ];
}

function without(task: Task): Unit {
  return { puts: [{ kind: 'task', prev: task, next: null }], events: [about(task, 'task_cancelled')] };
}

function back(task: Task): Unit {
  return { puts: [{ kind: 'task', prev: null, next: task }], events: [about(task, 'task_requeued')] };
}

/** Tasks that are removed as if they had never been, and that are there again. */
export function removal(driver: Driver): void {
  test('tasks of every kind leave nothing but entries of the ledger, and their numbers are not used again', async () => {
    const scribe = await openFor(driver);
    await furnish(scribe);
    const before = await picture(scribe);
    const tasks = await addAll(scribe);
    const names = { ...NAMES, tasks: [...NAMES.tasks, ...tasks.map(({ id }) => id)] };
    const now = await picture(scribe, names);
    expect(now).not.toEqual(before);
    await scribe.commit(...tasks.map(without));
    expect(await picture(scribe)).toEqual(before);
    if (driver.reopen) scribe.store = await driver.reopen(scribe.store);
    expect(await picture(scribe)).toEqual(before);
    const loaded = await scribe.store.load({ tasks: tasks.map(({ id }) => id) });
    expect([...loaded.tasks.values()]).toEqual(tasks.map(() => null));
    for (const { id } of tasks) {
      const history = await scribe.store.ledger.query({ taskId: id, limit: 9 });
      expect(history.map(({ type }) => type)).toEqual(['task_submitted', 'task_cancelled']);
    }
    expect((await scribe.draft()).seq).toBeGreaterThan(tasks.at(-1)!.seq);
    expect(await scribe.store.ledger.verify()).toMatchObject({ valid: true });
  });

  test('those that are there again are all that they were, and their history goes on', async () => {
    const scribe = await openFor(driver);
    await furnish(scribe);
    const tasks = await addAll(scribe);
    const names = { ...NAMES, tasks: [...NAMES.tasks, ...tasks.map(({ id }) => id)] };
    const again = [];
    for (const task of tasks) again.push(await scribe.change(task, {}));
    const before = await picture(scribe, names);
    await scribe.commit(...again.map(without));
    expect(await picture(scribe, names)).not.toEqual(before);
    // The versions alone show that they have been away.
    await scribe.commit(...again.map(back));
    expect(await picture(scribe, names)).toEqual(before);
    for (const task of again) {
      await scribe.change(task, { losses: 3 });
      const history = await scribe.store.ledger.query({ taskId: task.id, limit: 9 });
      const types = ['task_submitted', 'task_queued', 'task_cancelled', 'task_requeued', 'task_queued'];
      expect(history.map(({ type }) => type)).toEqual(types);
    }
  });

  test('the highest version and token it had are known as long as something is kept of it', async () => {
    const scribe = await openFor(driver);
    await scribe.save(at(1));
    let task = await scribe.change(await scribe.add({}, { leaseToken: 1 }), { leaseToken: 2 });
    for (const round of [2, 3, 4]) {
      await scribe.save(at(round));
      await scribe.remove(task);
      if (driver.reopen) scribe.store = await driver.reopen(scribe.store);
      const [item] = await savedSince(scribe.store, round);
      expect(item).toMatchObject({ current: null, version: task.version, leaseToken: task.leaseToken });
      task = after(task, { leaseToken: task.leaseToken + 1 });
      await scribe.commit(back(task));
      expect((await savedSince(scribe.store, 1))[0]).toMatchObject({ saved: null, leaseToken: task.leaseToken });
    }
    expect(await scribe.store.task(task.id)).toMatchObject({ version: 5, leaseToken: 5 });
  });

  test('what such a task depended on is known as long as it may be there again', async () => {
    const scribe = await openFor(driver);
    const on = await scribe.add({}, { status: 'completed', completedAt: DAWN - 1, queuedAt: null });
    const task = await scribe.add({ depends_on: [on.id] });
    await scribe.commit({ puts: [], events: [about({ id: 'newest' })] });
    await scribe.store.ledger.seal();
    await scribe.store.prune({ endedBefore: DAWN, ledgerBefore: DAWN + 1, idempotencyBefore: 0 }, 9);
    await scribe.save(at(1));
    await scribe.remove(task);
    const left = async () => (await scribe.store.load({ tasks: [on.id] })).tasks.get(on.id);
    expect(await left()).toEqual({ id: on.id, removed: true, status: 'completed' });
    await scribe.save(null);
    expect(await scribe.store.forgetSaved(2, 9)).toBe(1);
    expect(await left()).toBeNull();
  });

  test('what is removed must be as it was decided on, and what is there again must not be there', async () => {
    const scribe = await openFor(driver);
    const old = await scribe.add();
    const task = await scribe.change(old, { losses: 1 });
    const outcomes = async (...units: Unit[]) => (await scribe.store.commit(units, scribe.at)).outcomes;
    expect(await outcomes(without(old))).toEqual(['conflict']);
    expect(await outcomes(back(after(task, {})))).toEqual(['conflict']);
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(task));
    const stale = update(after(task, {}), after(task, {}));
    const other = await scribe.add();
    expect(await outcomes(stale, without(other))).toEqual(['conflict', 'committed']);
    expect(await outcomes(without(other))).toEqual(['conflict']);
    expect(await outcomes(stale, back(after(other, {})))).toEqual(['conflict', 'committed']);
    expect(await scribe.store.task(other.id)).toMatchObject({ version: 2 });
  });

  test('what retention has removed can be there again beside a unit that conflicts', async () => {
    const scribe = await openFor(driver);
    const done = { status: 'failed', completedAt: DAWN - 1, queuedAt: null } as const;
    const [task, stale] = [await scribe.add({}, done), await scribe.add()];
    await scribe.store.prune({ endedBefore: DAWN, ledgerBefore: null, idempotencyBefore: 0 }, 9);
    const late = update(after(stale, {}), after(after(stale, {}), {}));
    const again = after(task, { status: 'queued', completedAt: null });
    expect((await scribe.store.commit([late, back(again)], DAWN)).outcomes).toEqual(['conflict', 'committed']);
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(again));
    expect((await scribe.store.survey()).tasks).toMatchObject({ queued: 2, failed: 0 });
  });

  test('one that comes and goes, or goes and comes, within a commit is as if it had not', async () => {
    const scribe = await openFor(driver);
    const [task, brief] = [await scribe.add({ tags: ['a'] }), await scribe.draft({ tags: ['a'] })];
    const before = await picture(scribe);
    await scribe.commit(insert(brief), without(brief));
    expect(await picture(scribe)).toEqual(before);
    const next = after(task, { losses: 1 });
    await scribe.commit(without(task), back(next));
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(next));
    expect(await scribe.store.ledger.query({ taskId: task.id, limit: 9 })).toHaveLength(3);
  });

  test('an idempotency record that is removed can be made anew', async () => {
    const scribe = await openFor(driver);
    const key = { key: 'k', bodyHash: 'x', taskIds: ['a'], at: DAWN };
    const use = (prev: typeof key | null, next: typeof key | null): Unit => ({
      puts: [{ kind: 'idempotency', prev, next }],
      events: [],
    });
    await scribe.commit(use(null, key));
    expect((await scribe.store.commit([use({ ...key, at: 1 }, null)], DAWN)).outcomes).toEqual(['conflict']);
    await scribe.commit(use(key, null));
    expect((await scribe.store.load({ idempotency: ['k'] })).idempotency.get('k')).toBeNull();
    expect((await scribe.store.commit([use(key, null)], DAWN)).outcomes).toEqual(['conflict']);
    await scribe.commit(use(null, { ...key, at: DAWN - 5 }));
    expect((await scribe.store.load({ idempotency: ['k'] })).idempotency.get('k')).toEqual({ ...key, at: DAWN - 5 });
    await scribe.store.prune({ endedBefore: null, ledgerBefore: null, idempotencyBefore: DAWN + 1 }, 9);
    expect((await scribe.store.load({ idempotency: ['k'] })).idempotency.get('k')).toBeNull();
  });

  test('retention keeps nothing itself, and what was kept before can bring a task back', async () => {
    const scribe = await openFor(driver);
    const done = { status: 'completed', completedAt: DAWN - 1, queuedAt: null, leaseToken: 5 } as const;
    const [before, task] = [await scribe.add({}, done), await scribe.add({ tags: ['a'] }, { leaseToken: 2 })];
    await scribe.save(at(1));
    await scribe.change(task, done);
    expect(await scribe.store.prune(TASKS, 10)).toBe(2);
    const [item, ...others] = await savedSince(scribe.store, 1);
    expect(others).toEqual([]);
    expect(item).toMatchObject({ id: task.id, current: null, version: 2, leaseToken: 5 });
    const back = after(item!.saved as Task, { version: 3, leaseToken: 5 });
    await scribe.commit({ puts: [{ kind: 'task', prev: null, next: back }], events: [about(task, 'task_requeued')] });
    expect((await scribe.store.load({ tasks: [before.id] })).tasks.get(before.id)).toMatchObject({ removed: true });
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(back));
    const history = await scribe.store.ledger.query({ taskId: task.id, limit: 9 });
    expect(history.map(({ type }) => type)).toEqual(['task_submitted', 'task_queued', 'task_requeued']);
  });

  test('what is left of a removed task stays as long as something is kept of it, and no longer', async () => {
    const scribe = await openFor(driver);
    const done = { status: 'completed', completedAt: DAWN - 1, queuedAt: null, leaseToken: 5 } as const;
    const on = await scribe.add({}, done);
    const task = await scribe.add({ depends_on: [on.id] });
    await scribe.save(at(1));
    await scribe.change(task, done);
    await end(scribe);
    const left = async () => [...(await scribe.store.load({ tasks: [on.id, task.id] })).tasks.values()];
    expect(await left()).toMatchObject([null, { removed: true }]);
    expect((await savedSince(scribe.store, 1))[0]).toMatchObject({ id: task.id, leaseToken: 5 });
    await scribe.save(null);
    expect(await scribe.store.forgetSaved(2, 10)).toBe(1);
    expect(await left()).toEqual([null, null]);
  });
}

/** Removes all tasks that have ended, and the ledger but for its end. */
async function end(scribe: Scribe): Promise<void> {
  await scribe.commit(tell(about({ id: 'newest' })));
  await scribe.store.ledger.seal();
  await scribe.store.prune({ ...TASKS, ledgerBefore: DAWN + 1 }, 100);
}
