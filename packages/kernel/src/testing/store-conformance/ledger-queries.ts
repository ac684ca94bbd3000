import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LEDGER_TYPES, type LedgerEntry, type NewEvent } from '../../core/event.ts';
import type { LedgerQuery, Store } from '../../core/store.ts';
import { about, Scribe } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';
import { fill, tell } from './ledger.ts';

async function ask(store: Store, query: Partial<LedgerQuery>): Promise<number[]> {
  return (await store.ledger.query({ limit: 1000, ...query })).map((entry) => entry.id);
}

/** The audit log and a task's history are questions to the ledger. */
export function ledgerQueries(driver: Driver): void {
  test('without a position, the newest that match, oldest first', async () => {
    const scribe = await openFor(driver);
    await fill(scribe, 10, 3);
    expect(await ask(scribe.store, { limit: 4 })).toEqual([7, 8, 9, 10]);
    expect(await ask(scribe.store, { limit: 40 })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('with a position, the first that match after it', async () => {
    const scribe = await openFor(driver);
    await fill(scribe, 10, 4);
    expect(await ask(scribe.store, { since: 4, limit: 3 })).toEqual([5, 6, 7]);
    expect(await ask(scribe.store, { since: 0, limit: 2 })).toEqual([1, 2]);
    expect(await ask(scribe.store, { since: 10 })).toEqual([]);
  });

  test('a task has a history of what is about it, stored with it or not', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add();
    const other = await scribe.add();
    await scribe.change(task, { losses: 1 });
    await scribe.commit(tell(about(other, 'task_validated'), about(task, 'task_validated')));
    expect(await ask(scribe.store, { taskId: task.id })).toEqual([1, 3, 5]);
    expect(await ask(scribe.store, { taskId: task.id, since: 1 })).toEqual([3, 5]);
    expect(await ask(scribe.store, { taskId: task.id, limit: 2 })).toEqual([3, 5]);
    expect(await ask(scribe.store, { taskId: task.id, type: 'task_validated' })).toEqual([5]);
    expect(await ask(scribe.store, { taskId: 'unknown' })).toEqual([]);
  });

  test('what was tried and conflicted is in no history', async () => {
    const scribe = await openFor(driver);
    const task = await scribe.add();
    await scribe.change(task, { losses: 1 });
    const late = {
      puts: [{ kind: 'task' as const, prev: task, next: { ...task, version: 2 } }],
      events: [about(task)],
    };
    await scribe.store.commit([late], scribe.at);
    expect(await ask(scribe.store, { taskId: task.id })).toEqual([1, 2]);
  });

  test('any combination of conditions finds what a look at every entry finds', async () => {
    const event: fc.Arbitrary<NewEvent> = fc
      .record({
        type: fc.constantFrom(...LEDGER_TYPES.slice(0, 4)),
        actor: fc.constantFrom('kernel', 'ann', "o'hara"),
        worker: fc.constantFrom(null, 'bee-1', 'bee-2'),
      })
      .map(({ type, actor, worker }) => ({
        type,
        actor,
        source: 'kernel',
        data: worker === null ? {} : { worker_id: worker },
      }));
    const query = fc.record(
      {
        type: fc.constantFrom(...LEDGER_TYPES.slice(0, 5)),
        actor: fc.constantFrom('kernel', 'ann', "o'hara"),
        workerId: fc.constantFrom('bee-1', 'bee-2', 'bee-3'),
        since: fc.nat(60),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(event, { maxLength: 5, size: 'max' }), { maxLength: 12 }),
        fc.array(query, { minLength: 6, maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (commits, queries, limit) => {
          const store = await driver.open();
          try {
            const scribe = new Scribe(store);
            for (const events of commits) await scribe.commit(tell(...events));
            const all = await store.ledger.read(0, 1000);
            for (const one of queries) {
              const matching = all.filter((entry) => fits(entry, one)).map((entry) => entry.id);
              const piece = one.since === undefined ? matching.slice(-limit) : matching.slice(0, limit);
              expect(await ask(store, { ...one, limit })).toEqual(piece);
            }
          } finally {
            await store.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('questions are answered through hundreds of commits that do not match', async () => {
    const scribe = await openFor(driver);
    await scribe.commit(tell(about({ id: 'needle' }, 'task_validated')));
    await fill(scribe, 450, 1);
    expect(await ask(scribe.store, { type: 'task_validated', limit: 1 })).toEqual([1]);
    expect(await ask(scribe.store, { actor: 'kernel', type: 'task_validated' })).toEqual([1]);
    expect(await ask(scribe.store, { type: 'task_submitted', since: 449 })).toEqual([450, 451]);
  });
}

function fits(entry: LedgerEntry, query: Partial<LedgerQuery>): boolean {
  return (
    (query.type === undefined || entry.type === query.type) &&
    (query.actor === undefined || entry.actor === query.actor) &&
    (query.workerId === undefined || entry.workerId === query.workerId) &&
    (query.since === undefined || entry.id > query.since)
  );
}
