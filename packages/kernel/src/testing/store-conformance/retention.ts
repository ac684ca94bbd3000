import { expect, test } from 'vitest';
import type { Saving } from '../../core/saved.ts';
import type { IdempotencyRecord, Retention, Unit } from '../../core/store.ts';
import type { Task, TaskInput } from '../../core/task.ts';
import { about, DAWN, type Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';
import { fill, tell } from './ledger.ts';

const NOTHING: Retention = { endedBefore: null, ledgerBefore: null, idempotencyBefore: 0 };

function end(
  scribe: Scribe,
  completedAt: number,
  fields: Partial<Task> = {},
  input: Partial<TaskInput> = {},
): Promise<Task> {
  return scribe.add({ tags: ['old'], ...input }, { status: 'completed', completedAt, queuedAt: null, ...fields });
}

function use(key: string): Unit {
  return {
    puts: [{ kind: 'idempotency', prev: null, next: { key, bodyHash: 'x', taskIds: ['t'], at: DAWN } }],
    events: [],
  };
}

/** What retention removes, and what must outlive it. */
export function retention(driver: Driver): void {
  test('tasks that ended before go, later and unfinished ones stay', async () => {
    const scribe = await openFor(driver);
    const old = await end(scribe, DAWN - 10);
    const exact = await end(scribe, DAWN);
    const running = await scribe.add();
    expect(await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 100)).toBe(1);
    expect(await scribe.store.task(old.id)).toBeNull();
    expect(await scribe.store.task(exact.id)).not.toBeNull();
    expect(await scribe.store.task(running.id)).not.toBeNull();
    expect(await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 100)).toBe(0);
  });

  const pieces: [string, Partial<Retention>, (scribe: Scribe) => Promise<unknown>][] = [
    ['tasks', { endedBefore: DAWN }, (scribe) => end(scribe, DAWN - 1)],
    ['documents', { endedBefore: DAWN }, (scribe) => scribe.addDocument({ endedAt: DAWN - 1 })],
    ['idempotency keys', { idempotencyBefore: DAWN + 1 }, (scribe) => scribe.commit(use('k'))],
    ['entries of the ledger', { ledgerBefore: DAWN + 1 }, (scribe) => fill(scribe, 2, 1)],
  ];
  test.each(pieces)(
    'no %s go once the store saves otherwise than it did when that was looked at',
    async (_, what, add) => {
      const scribe = await openFor(driver);
      await add(scribe);
      await scribe.store.ledger.seal();
      const { saving } = await scribe.store.survey();
      await scribe.save({ number: 1, rolling: false });
      const prune = (under: Saving) => scribe.store.prune({ ...NOTHING, ...what }, 100, under);
      for (const other of [saving, { number: 1, rolling: true }, { number: 2, rolling: false }]) {
        expect(await prune(other)).toBe(0);
      }
      expect(await prune({ number: 1, rolling: false })).toBe(1);
      expect(await prune({ number: 1, rolling: false })).toBe(0);
    },
  );

  test('null keeps everything', async () => {
    const scribe = await openFor(driver);
    await end(scribe, 0);
    expect(await scribe.store.prune(NOTHING, 100)).toBe(0);
  });

  test('of a removed task there remains how it ended, and its history', async () => {
    const scribe = await openFor(driver);
    const [done, failed] = [await end(scribe, DAWN - 2), await end(scribe, DAWN - 1, { status: 'failed' })];
    await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 100);
    const { tasks } = await scribe.store.load({ tasks: [done.id, failed.id] });
    expect(tasks.get(done.id)).toEqual({ id: done.id, removed: true, status: 'completed' });
    expect(tasks.get(failed.id)).toEqual({ id: failed.id, removed: true, status: 'failed' });
    const history = await scribe.store.ledger.query({ taskId: failed.id, limit: 10 });
    expect(history.map((entry) => entry.id)).toEqual([2]);
  });

  test('of a removed task nothing is left once the ledger tells of it no more', async () => {
    const scribe = await openFor(driver);
    const running = await scribe.add();
    const brief = await end(scribe, DAWN - 2);
    scribe.at = DAWN + 1000;
    const long = await scribe.change(running, { status: 'completed', completedAt: DAWN - 1, queuedAt: null });
    await scribe.store.ledger.seal();
    const left = async () => [...(await scribe.store.load({ tasks: [brief.id, long.id] })).tasks.values()];
    await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 100);
    expect(await left()).toMatchObject([
      { id: brief.id, removed: true },
      { id: long.id, removed: true },
    ]);
    await scribe.store.prune({ ...NOTHING, ledgerBefore: DAWN + 500 }, 100);
    expect(await left()).toMatchObject([null, { id: long.id, removed: true }]);
    await scribe.commit(tell(about({ id: 'newest' })));
    await scribe.store.ledger.seal();
    await scribe.store.prune({ ...NOTHING, ledgerBefore: DAWN + 1500 }, 100);
    expect(await left()).toEqual([null, null]);
  });

  test('of a task of which the ledger tells no more when it is removed nothing is left', async () => {
    const scribe = await openFor(driver);
    const old = await end(scribe, DAWN - 1);
    await scribe.commit(tell(about({ id: 'newest' })));
    await scribe.store.ledger.seal();
    await scribe.store.prune({ ...NOTHING, ledgerBefore: DAWN + 1 }, 100);
    await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 100);
    expect((await scribe.store.load({ tasks: [old.id] })).tasks.get(old.id)).toBeNull();
  });

  test('how a removed task ended is known as long as a task is there that depends on it', async () => {
    const scribe = await openFor(driver);
    const on = await end(scribe, DAWN - 2);
    const dependent = await end(scribe, DAWN + 1, {}, { depends_on: [on.id] });
    await scribe.commit(tell(about({ id: 'newest' })));
    await scribe.store.ledger.seal();
    const left = async () => (await scribe.store.load({ tasks: [on.id] })).tasks.get(on.id);
    await scribe.store.prune({ ...NOTHING, endedBefore: DAWN, ledgerBefore: DAWN + 1 }, 100);
    expect(await left()).toEqual({ id: on.id, removed: true, status: 'completed' });
    await scribe.store.prune({ ...NOTHING, endedBefore: DAWN + 2 }, 100);
    expect(await scribe.store.task(dependent.id)).toBeNull();
    expect(await left()).toBeNull();
  });

  test('counts, listings and relations forget removed tasks', async () => {
    const scribe = await openFor(driver);
    const parent = await scribe.add();
    const dependency = await scribe.add();
    const old = await scribe.add(
      { tags: ['old'], parent_id: parent.id, depends_on: [dependency.id], requirements: { region: 'eu' } },
      { status: 'cancelled', completedAt: DAWN - 1 },
    );
    await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 100);
    expect((await scribe.store.survey()).tasks).toMatchObject({ cancelled: 0, queued: 2 });
    expect((await scribe.store.tasks({ tag: 'old', limit: 9, maxBytes: 1e9 })).items).toEqual([]);
    const loaded = await scribe.store.load({ allDependents: [dependency.id], allDescendants: [parent.id] });
    expect(loaded.dependents.get(dependency.id)).toEqual([]);
    expect(loaded.children.get(parent.id)).toEqual([]);
    expect((await scribe.store.due({ wall: DAWN * 2, steady: DAWN * 2 }, 9)).ready).toEqual([]);
    // Its lane can be used again.
    const again = await scribe.add({ requirements: { region: 'eu' } });
    expect((await scribe.store.survey()).lanes.has(old.lane)).toBe(true);
    expect((await scribe.store.task(again.id))!.lane).toBe(old.lane);
  });

  test('what descends from a removed task still descends from what is above it', async () => {
    const scribe = await openFor(driver);
    const root = await scribe.add();
    const old = await end(scribe, DAWN - 2, {}, { parent_id: root.id });
    const older = await end(scribe, DAWN - 3, {}, { parent_id: old.id });
    const leaf = await scribe.add({ parent_id: older.id });
    const other = await scribe.add({ parent_id: old.id });
    for (let piece = 0; piece < 2; piece++) await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 1);
    const { children } = await scribe.store.load({ allDescendants: [root.id] });
    const ids = [...children.values()].flat().map((task) => task.id);
    expect(ids.sort()).toEqual([leaf.id, other.id].sort());
  });

  test('of a family that is removed nothing is left, in whatever order it goes', async () => {
    const scribe = await openFor(driver);
    const root = await end(scribe, DAWN - 3);
    const middle = await end(scribe, DAWN - 2, {}, { parent_id: root.id });
    await end(scribe, DAWN - 1, {}, { parent_id: middle.id });
    for (let piece = 0; piece < 3; piece++) await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 1);
    const { children } = await scribe.store.load({ allDescendants: [root.id, middle.id] });
    expect([...children.values()].flat()).toEqual([]);
  });

  test('a piece is no larger than asked for, and takes the oldest first', async () => {
    const scribe = await openFor(driver);
    const [third, first, second] = [
      await end(scribe, DAWN - 1),
      await end(scribe, DAWN - 3),
      await end(scribe, DAWN - 2),
    ];
    expect(await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 2)).toBe(2);
    expect(await scribe.store.task(first.id)).toBeNull();
    expect(await scribe.store.task(second.id)).toBeNull();
    expect(await scribe.store.task(third.id)).not.toBeNull();
  });

  test("a removed task's sequence number is not used again", async () => {
    const scribe = await openFor(driver);
    const old = await end(scribe, DAWN - 1);
    await scribe.store.prune({ ...NOTHING, endedBefore: DAWN }, 100);
    if (driver.reopen) scribe.store = await driver.reopen(scribe.store);
    expect((await scribe.draft()).seq).toBeGreaterThan(old.seq);
  });

  test('the ledger loses its beginning and stays valid, with the rest chained to what went', async () => {
    const scribe = await openFor(driver);
    await fill(scribe, 20, 2);
    scribe.at = DAWN + 1000;
    await fill(scribe, 4, 2);
    await scribe.store.ledger.seal();
    const before = await scribe.store.ledger.read(0, 100);
    await scribe.store.prune({ ...NOTHING, ledgerBefore: DAWN + 1000 }, 100);
    const { ledger } = scribe.store;
    expect(await ledger.span()).toEqual({ first: 21, last: 24, sealedTo: 24, hash: before[23]!.hash });
    expect(await ledger.read(20, 100)).toEqual(before.slice(20));
    expect(await ledger.verify()).toEqual({ valid: true, entries: 4, head: before[23]!.hash, firstInvalidId: null });
    expect((await ledger.query({ actor: 'kernel', limit: 100 })).map((entry) => entry.id)).toEqual([21, 22, 23, 24]);
    expect(await ledger.query({ taskId: 't3', limit: 100 })).toEqual([]);
  });

  test('the newest entry stays, however old', async () => {
    const scribe = await openFor(driver);
    await fill(scribe, 3, 1);
    await scribe.store.ledger.seal();
    for (let n = 0; n < 5; n++) await scribe.store.prune({ ...NOTHING, ledgerBefore: DAWN * 2 }, 2);
    expect((await scribe.store.ledger.span()).first).toBe(3);
    expect(await scribe.store.ledger.verify()).toMatchObject({ valid: true, entries: 1 });
    await scribe.commit(tell(about({ id: 'next' })));
    expect((await scribe.store.ledger.read(2, 10)).map((entry) => entry.id)).toEqual([3, 4]);
  });

  test('idempotency records go when they are old', async () => {
    const scribe = await openFor(driver);
    const record = (key: string, at: number): IdempotencyRecord => ({ key, bodyHash: '', taskIds: ['t'], at });
    for (const next of [record('old', DAWN - 1), record('exact', DAWN), record('new', DAWN + 1)]) {
      await scribe.commit({ puts: [{ kind: 'idempotency', prev: null, next }], events: [] });
    }
    await scribe.store.prune({ ...NOTHING, idempotencyBefore: DAWN }, 100);
    const { idempotency } = await scribe.store.load({ idempotency: ['old', 'exact', 'new'] });
    expect([...idempotency.values()].map((found) => found?.key)).toEqual([undefined, 'exact', 'new']);
  });
}
