import { expect, test } from 'vitest';
import type { IdempotencyRecord, Unit } from '../../core/store.ts';
import { DAWN, insert } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const KEY: IdempotencyRecord = { key: 'ann /tasks k1', bodyHash: 'ab'.repeat(32), taskIds: ['a', 'b'], at: DAWN };

function remember(prev: IdempotencyRecord | null, next: IdempotencyRecord): Unit {
  return { puts: [{ kind: 'idempotency', prev, next }], events: [] };
}

/** invariant 2, below the decisions: a key commits with its task or not at all, and only one of two rivals wins. */
export function idempotency(driver: Driver): void {
  test('a record comes back as it went in', async () => {
    const scribe = await openFor(driver);
    await scribe.commit(remember(null, KEY));
    expect((await scribe.store.load({ idempotency: [KEY.key] })).idempotency.get(KEY.key)).toEqual(KEY);
  });

  test('the first of two that use a new key wins, the other conflicts and stores no task', async () => {
    const scribe = await openFor(driver);
    const [one, two] = [await scribe.draft(), await scribe.draft()];
    const units = [one, two].map((task) => ({
      puts: [...insert(task).puts, ...remember(null, { ...KEY, taskIds: [task.id] }).puts],
      events: [],
    }));
    expect((await scribe.store.commit(units, scribe.at)).outcomes).toEqual(['committed', 'conflict']);
    expect(await scribe.store.task(one.id)).not.toBeNull();
    expect(await scribe.store.task(two.id)).toBeNull();
    expect((await scribe.store.load({ idempotency: [KEY.key] })).idempotency.get(KEY.key)!.taskIds).toEqual([one.id]);
  });

  test('a key that was taken meanwhile conflicts in a later commit as well', async () => {
    const scribe = await openFor(driver);
    await scribe.commit(remember(null, KEY));
    const late = remember(null, { ...KEY, at: DAWN + 1 });
    expect((await scribe.store.commit([late], DAWN + 1)).outcomes).toEqual(['conflict']);
  });

  test('an expired record can be replaced, by one', async () => {
    const scribe = await openFor(driver);
    const next = { ...KEY, at: DAWN + 90_000_000, taskIds: ['c'] };
    const rival = { ...KEY, at: DAWN + 90_000_001, taskIds: ['d'] };
    await scribe.commit(remember(null, KEY));
    await scribe.commit(remember(KEY, next));
    expect((await scribe.store.commit([remember(KEY, rival)], scribe.at)).outcomes).toEqual(['conflict']);
    expect((await scribe.store.load({ idempotency: [KEY.key] })).idempotency.get(KEY.key)).toEqual(next);
  });
}
