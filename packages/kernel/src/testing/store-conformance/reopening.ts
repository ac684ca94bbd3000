import { expect, test } from 'vitest';
import type { Store } from '../../core/store.ts';
import { DAWN, plain, type Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';
import { fill } from './ledger.ts';

/** Everything a caller could ask for, to be compared. */
async function portrait(store: Store): Promise<unknown> {
  const { items } = await store.tasks({ limit: 1000, maxBytes: Number.POSITIVE_INFINITY });
  await store.ledger.seal();
  const survey = await store.survey();
  const lanes = [...survey.lanes.values()].map(({ key, requirements }) => ({ key, requirements }));
  const heads = (await store.load({ lanes: lanes.map(({ key }) => ({ lane: key, after: null, limit: 100 })) })).lanes;
  const due = await store.due({ wall: DAWN * 2, steady: DAWN * 2 }, 100);
  return {
    tasks: items.map(plain),
    workers: [...(await store.workers())].sort((a, b) => a.id.localeCompare(b.id)),
    counts: { ...survey.tasks },
    lanes: lanes.sort((a, b) => a.key.localeCompare(b.key)),
    queue: [...heads].map(([key, { tasks }]) => [key, tasks.map((task) => task.id)]).sort(),
    due: { ready: due.ready.map(plain), overdue: due.overdue.map(plain), next: [due.nextReadyAt, due.nextDeadline] },
    keys: [...(await store.load({ idempotency: ['k1', 'k2'] })).idempotency],
    ledger: await store.ledger.read((await store.ledger.span()).first - 1, 1000),
    span: await store.ledger.span(),
    verification: await store.ledger.verify(),
    removed: [...(await store.load({ tasks: ['task-1'] })).tasks],
    oldest: await store.oldestQueued(),
  };
}

async function furnish(scribe: Scribe): Promise<void> {
  const gone = await scribe.add({}, { status: 'completed', completedAt: DAWN - 10 });
  const root = await scribe.add({ tags: ['a', 'b'], requirements: { region: 'eu' } });
  await scribe.add(
    { depends_on: [root.id], priority: 9 },
    { status: 'pending', pendingReason: 'dependencies', unmet: 1 },
  );
  await scribe.add({}, { status: 'pending', pendingReason: 'scheduled', dueAt: DAWN + 10 });
  const running = await scribe.add({}, { status: 'executing', worker: 'bee-1', leaseToken: 3, deadline: DAWN + 20 });
  await scribe.addWorker({ holds: [running.id] });
  await scribe.addWorker({ id: 'bee-2', offline: true });
  await scribe.commit({
    puts: [{ kind: 'idempotency', prev: null, next: { key: 'k1', bodyHash: 'x', taskIds: [root.id], at: DAWN } }],
    events: [],
  });
  scribe.at += 1000;
  await fill(scribe, 10, 5);
  expect(gone.id).toBe('task-1');
}

/** invariant 1, as far as closing shows it: what was acknowledged is there again, exactly. */
export function reopening(driver: Driver): void {
  const reopen = driver.reopen!;

  test('everything is as it was', async () => {
    const scribe = await openFor(driver);
    await furnish(scribe);
    const before = await portrait(scribe.store);
    scribe.store = await reopen(scribe.store);
    expect(await portrait(scribe.store)).toEqual(before);
  });

  test('everything is as it was after retention, too', async () => {
    const scribe = await openFor(driver);
    await furnish(scribe);
    await scribe.store.prune({ tasksEndedBefore: DAWN, ledgerBefore: DAWN + 1, idempotencyBefore: DAWN }, 100);
    const before = await portrait(scribe.store);
    expect(before).toMatchObject({ removed: [['task-1', { removed: true }]], verification: { valid: true } });
    scribe.store = await reopen(scribe.store);
    expect(await portrait(scribe.store)).toEqual(before);
  });

  test('it goes on where it was: numbers, versions and the chain', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add();
    scribe.store = await reopen(scribe.store);
    const next = await scribe.change((await scribe.store.task(task.id))!, { status: 'cancelled' });
    expect((await scribe.add()).seq).toBeGreaterThan(task.seq);
    scribe.store = await reopen(scribe.store);
    expect(plain((await scribe.store.task(task.id))!)).toEqual(plain(next));
    expect(await scribe.store.ledger.verify()).toMatchObject({ valid: true, entries: 3 });
    expect((await scribe.store.survey()).tasks).toMatchObject({ queued: 1, cancelled: 1 });
  });

  test('an empty one is empty again', async () => {
    const scribe = await openFor(driver);
    scribe.store = await reopen(scribe.store);
    expect(await scribe.store.ledger.span()).toMatchObject({ first: 1, last: 0 });
  });
}
