import { expect, test } from 'vitest';
import { portrait } from '../portrait.ts';
import { plain } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';
import { furnish, NAMES, RETENTION } from './furnished.ts';

/** invariant 1, as far as closing shows it: what was acknowledged is there again, exactly. */
export function reopening(driver: Driver): void {
  const reopen = driver.reopen!;

  test('everything is as it was', async () => {
    const scribe = await openFor(driver);
    await furnish(scribe);
    const before = await portrait(scribe.store, NAMES);
    scribe.store = await reopen(scribe.store);
    expect(await portrait(scribe.store, NAMES)).toEqual(before);
  });

  test('everything is as it was after retention, too', async () => {
    const scribe = await openFor(driver);
    await furnish(scribe);
    await scribe.store.prune(RETENTION, 100);
    const before = await portrait(scribe.store, NAMES);
    expect(before).toMatchObject({ known: { 'task-1': { removed: true } }, verification: { valid: true } });
    scribe.store = await reopen(scribe.store);
    expect(await portrait(scribe.store, NAMES)).toEqual(before);
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
