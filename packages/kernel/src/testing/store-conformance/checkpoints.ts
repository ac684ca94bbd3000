import { expect, test } from 'vitest';
import { type Document, nameOf } from '../../core/document.ts';
import type { Saving } from '../../core/saved.ts';
import type { IdempotencyRecord, Store, Unit } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { savedSince } from '../portrait.ts';
import { about, after, DAWN, insert, plain, update } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';
import { tell } from './ledger.ts';

const KEY: IdempotencyRecord = { key: 'ann /tasks k 1', bodyHash: 'ab', taskIds: ['a', 'b'], at: DAWN };

/** The checkpoint of this number is there. */
export function at(number: number): Saving {
  return { number, rolling: false };
}

function use(prev: IdempotencyRecord | null, next: IdempotencyRecord | null): Unit {
  return { puts: [{ kind: 'idempotency', prev, next }], events: [] };
}

/** What was kept since a checkpoint, by kind and id: its version then, and its version now; 0 when there was, or is, none. */
async function changes(store: Store, since: number): Promise<Record<string, [was: number, is: number]>> {
  const version = (record: Task | Document | IdempotencyRecord | null) =>
    record === null ? 0 : 'version' in record ? record.version : record.at;
  const items = await savedSince(store, since);
  return Object.fromEntries(
    items.map(({ kind, id, saved, current }) => [`${kind} ${id}`, [version(saved), version(current)]]),
  );
}

/** What is kept of records when they change after a checkpoint. */
export function checkpoints(driver: Driver): void {
  test('without one nothing is kept', async () => {
    const scribe = await openFor(driver);
    expect((await scribe.store.survey()).saving).toBeNull();
    await scribe.change(await scribe.add(), { losses: 1 });
    expect(await savedSince(scribe.store, 0)).toEqual([]);
  });

  test('how the store saves is what was put last, and of two who would change it one does', async () => {
    const scribe = await openFor(driver);
    const put = async (prev: Saving, next: Saving) =>
      (await scribe.store.commit([{ puts: [{ kind: 'saving', prev, next }], events: [] }], DAWN)).outcomes[0];
    const saving = async () => (await scribe.store.survey()).saving;
    expect(await put(null, at(1))).toBe('committed');
    expect(await saving()).toEqual(at(1));
    expect(await put(null, at(2))).toBe('conflict');
    expect(await put({ number: 1, rolling: true }, at(2))).toBe('conflict');
    expect(await put(at(1), { number: 2, rolling: true })).toBe('committed');
    expect(await saving()).toEqual({ number: 2, rolling: true });
    if (driver.reopen) scribe.store = await driver.reopen(scribe.store);
    expect(await saving()).toEqual({ number: 2, rolling: true });
    expect(await put({ number: 2, rolling: true }, null)).toBe('committed');
    expect(await saving()).toBeNull();
  });

  test('what a record was before its first change is kept, what it was before later ones is not', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add({ payload: { ü: ['x\ny', 1.5, null, '\u0000'] }, tags: ['a'] });
    const document = await scribe.addDocument({ body: { text: 'one\ntwo' } });
    await scribe.commit(use(null, KEY));
    await scribe.save(at(7));
    const fields = { result: '{"a":1}', progress: { fraction: 0.25, message: 'so far', at: DAWN }, leaseToken: 3 };
    const last = await scribe.change(await scribe.change(task, fields), { losses: 2 });
    const next = await scribe.changeDocument(await scribe.changeDocument(document, { state: 'x' }), { body: {} });
    await scribe.commit(use(KEY, { ...KEY, at: DAWN + 1 }));
    await scribe.commit(use({ ...KEY, at: DAWN + 1 }, { ...KEY, at: DAWN + 2, taskIds: ['c'] }));
    const [doc, key, one, ...others] = await savedSince(scribe.store, 7);
    expect(others).toEqual([]);
    expect(doc).toEqual({ kind: 'document', id: nameOf(document), number: 7, saved: document, current: next });
    expect(key).toMatchObject({ kind: 'idempotency', id: KEY.key, saved: KEY, current: { at: DAWN + 2 } });
    expect(one).toMatchObject({ kind: 'task', id: task.id, version: 3, leaseToken: 3 });
    const { saved, current } = one as { saved: Task; current: Task };
    expect([plain(saved), plain(current)]).toEqual([plain(task), plain(last)]);
    expect(saved.spec.value).toEqual(task.spec.value);
  });

  test('of what is new is kept that there was nothing, of what is removed what it was', async () => {
    const scribe = await openFor(driver);
    const [old, document] = [await scribe.add(), await scribe.addDocument()];
    await scribe.commit(use(null, KEY));
    await scribe.save(at(1));
    await scribe.remove(old);
    await scribe.commit(use(KEY, null), { puts: [{ kind: 'document', prev: document, next: null }], events: [] });
    await scribe.addDocument({ id: 'new' });
    await scribe.commit(use(null, { ...KEY, key: 'new', at: DAWN + 5 }));
    const task = await scribe.add();
    await scribe.change(task, { losses: 1 });
    expect(await changes(scribe.store, 1)).toEqual({
      'document vote vote-1': [1, 0],
      'document vote new': [0, 1],
      [`idempotency ${KEY.key}`]: [DAWN, 0],
      'idempotency new': [0, DAWN + 5],
      [`task ${old.id}`]: [1, 0],
      [`task ${task.id}`]: [0, 2],
    });
  });

  test('a record that several units of a commit change is kept as it was before all of them', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add();
    await scribe.save(at(1));
    const [second, fresh] = [after(task, { losses: 1 }), await scribe.draft()];
    const begun = after(fresh, { status: 'executing' });
    await scribe.commit(update(task, second), update(second, after(second, {})), insert(fresh), update(fresh, begun));
    expect(await changes(scribe.store, 1)).toEqual({ [`task ${task.id}`]: [1, 3], [`task ${fresh.id}`]: [0, 2] });
  });

  test('documents of collections that are not part of checkpoints, and workers, are not kept', async () => {
    const scribe = await openFor(driver);
    await scribe.save(at(1));
    await scribe.addWorker();
    const policy = await scribe.addDocument({ collection: 'policy', id: 'current' });
    await scribe.changeDocument(policy, { state: 'x' });
    expect(await savedSince(scribe.store, 0)).toEqual([]);
  });

  test('what is said of a record that does not change keeps nothing', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add();
    await scribe.save(at(1));
    await scribe.commit(tell(about(task)));
    expect(await savedSince(scribe.store, 1)).toEqual([]);
  });

  test('since each of several checkpoints counts what was kept first', async () => {
    const scribe = await openFor(driver);
    const [early, often, late] = [await scribe.add(), await scribe.add(), await scribe.add()];
    await scribe.save(at(2));
    await scribe.change(early, { losses: 1 });
    let now = await scribe.change(often, { losses: 1 });
    await scribe.save(at(10));
    now = await scribe.change(now, { losses: 2 });
    const made = await scribe.add();
    await scribe.save(at(11));
    await scribe.change(now, { losses: 3 });
    await scribe.change(late, { losses: 3 });
    await scribe.remove(made);
    await scribe.save(null);
    await scribe.change((await scribe.store.task(late.id))!, { losses: 4 });
    const [a, b, c, d] = [early, often, late, made].map(({ id }) => `task ${id}`) as [string, string, string, string];
    const eleven = { [b]: [3, 4], [c]: [1, 3], [d]: [1, 0] };
    const ten = { ...eleven, [b]: [2, 4], [d]: [0, 0] };
    expect(await changes(scribe.store, 11)).toEqual(eleven);
    expect(await changes(scribe.store, 10)).toEqual(ten);
    expect(await changes(scribe.store, 3)).toEqual(ten);
    expect(await changes(scribe.store, 2)).toEqual({ ...ten, [a]: [1, 2], [b]: [1, 4] });
    expect(await changes(scribe.store, 12)).toEqual({});
  });

  test('what comes to nothing keeps nothing; the change after that does', async () => {
    const scribe = await openFor(driver);
    const old = await scribe.add();
    const [now, other] = [await scribe.change(old, { losses: 1 }), await scribe.add()];
    await scribe.save(at(1));
    const late = { ...update(old, after(old, { losses: 9 })), reads: [] };
    const fine = update(other, after(other, { losses: 1 }));
    expect((await scribe.store.commit([late, fine], DAWN)).outcomes).toEqual(['conflict', 'committed']);
    expect(await changes(scribe.store, 1)).toEqual({ [`task ${other.id}`]: [1, 2] });
    await scribe.change(now, { losses: 2 });
    expect(await changes(scribe.store, 1)).toEqual({ [`task ${old.id}`]: [2, 3], [`task ${other.id}`]: [1, 2] });
  });

  test.each([1, 2, 3, 100])(
    'in pages of %i each comes once, though who reads changes them in between',
    async (limit) => {
      const scribe = await openFor(driver);
      const tasks: Task[] = [];
      for (let n = 0; n < 7; n++) tasks.push(await scribe.add());
      for (const number of [1, 2, 3]) {
        await scribe.save(at(number));
        for (const n of [number, number + 1, 6]) tasks[n] = await scribe.change(tasks[n]!, { losses: number });
      }
      await scribe.save({ number: 4, rolling: true });
      const seen: string[] = [];
      let next: string | null = null;
      do {
        const page = await scribe.store.saved({ since: 2, after: next, limit });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        for (const item of page.items) {
          seen.push(item.id);
          await scribe.change(item.current as Task, { losses: (item.saved as Task).losses });
        }
        next = page.next;
      } while (next !== null);
      expect(seen.toSorted()).toEqual([2, 3, 4, 6].map((n) => tasks[n]!.id).toSorted());
      const losses = await Promise.all(tasks.map(async ({ id }) => (await scribe.store.task(id))!.losses));
      expect(losses).toEqual([0, 1, 1, 0, 0, 0, 1]);
    },
  );

  test('a page ends before it gets too large', async () => {
    const scribe = await openFor(driver);
    await scribe.save(at(1));
    for (let n = 0; n < 8; n++) await scribe.add({ payload: 'x'.repeat(1_000_000) });
    const { items, next } = await scribe.store.saved({ since: 1, limit: 100 });
    expect(items.length).toBeGreaterThan(0);
    expect(items.length).toBeLessThan(8);
    expect(next).not.toBeNull();
    expect(await savedSince(scribe.store, 1)).toHaveLength(8);
  });

  test('a piece that is let go ends before it gets too large, too', async () => {
    const scribe = await openFor(driver);
    const tasks: Task[] = [];
    for (let n = 0; n < 8; n++) tasks.push(await scribe.add({ payload: 'x'.repeat(1_000_000) }));
    await scribe.save(at(1));
    for (const task of tasks) await scribe.change(task, { losses: 1 });
    const first = await scribe.store.forgetSaved(2, 100);
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(8);
    expect(await scribe.store.forgetSaved(2, 100)).toBe(8 - first);
    expect(await scribe.store.forgetSaved(2, 100)).toBe(0);
  });

  test('nothing is let go once the store saves otherwise than it did when that was looked at', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add();
    await scribe.save(at(1));
    await scribe.change(task, { losses: 1 });
    await scribe.save(at(2));
    for (const other of [null, at(1), { number: 2, rolling: true }]) {
      expect(await scribe.store.forgetSaved(2, 100, other)).toBe(0);
    }
    expect(await savedSince(scribe.store, 1)).toHaveLength(1);
    expect(await scribe.store.forgetSaved(2, 100, at(2))).toBe(1);
    await scribe.save(null);
    expect(await scribe.store.forgetSaved(3, 100, null)).toBe(0);
  });

  test('what is kept under numbers that nobody goes back to is let go, a bounded piece at a time', async () => {
    const scribe = await openFor(driver);
    let task = await scribe.add();
    for (const number of [1, 2, 3]) {
      await scribe.save(at(number));
      task = await scribe.change(task, { losses: number });
      for (let n = 0; n < 3; n++) await scribe.add();
    }
    expect(await scribe.store.forgetSaved(1, 100)).toBe(0);
    expect(await scribe.store.forgetSaved(3, 5)).toBe(5);
    expect(await scribe.store.forgetSaved(3, 5)).toBe(3);
    expect(await scribe.store.forgetSaved(3, 5)).toBe(0);
    const left = await changes(scribe.store, 0);
    expect(Object.keys(left)).toHaveLength(4);
    expect(left[`task ${task.id}`]).toEqual([3, 4]);
    await scribe.save(null);
    expect(await scribe.store.forgetSaved(Number.MAX_SAFE_INTEGER, 100)).toBe(4);
    expect(await savedSince(scribe.store, 0)).toEqual([]);
  });
}
