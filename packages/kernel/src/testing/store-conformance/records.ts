import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Spec, TASK_STATUSES, type Task } from '../../core/task.ts';
import { DAWN, plain } from '../scribe.ts';
import { type Driver, openFor } from './driver.ts';

const time = fc.option(fc.integer({ min: 0, max: DAWN * 2 }));
// Well-formed text: a lone surrogate has no place in a database. Everything else must come back, NUL included.
const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());

const state = fc.record({
  status: fc.constantFrom(...TASK_STATUSES),
  pendingReason: fc.constantFrom(null, 'approval', 'dependencies', 'scheduled', 'retry'),
  unmet: fc.nat(),
  dueAt: time,
  vote: fc.option(fc.uuid()),
  attempt: fc.nat(),
  retryCount: fc.nat(100),
  losses: fc.nat(5),
  leaseToken: fc.maxSafeNat(),
  worker: fc.option(fc.uuid()),
  lastOutcome: fc.constantFrom(null, 'completed', 'failed', 'released'),
  deadline: time,
  queuedAt: time,
  startedAt: time,
  completedAt: time,
  progress: fc.option(
    fc.record({
      fraction: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      message: fc.option(text),
      at: fc.nat(),
    }),
  ),
  result: fc.option(fc.json()),
  error: fc.option(text),
  errorTrace: fc.option(text),
  routing: fc.option(fc.json().map((json) => `[${json}]`)),
});

/** Whatever a record holds comes back as it was. */
export function records(driver: Driver): void {
  test('a task comes back as it went in, whatever it holds', async () => {
    const scribe = await openFor(driver);
    await fc.assert(
      fc.asyncProperty(state, state, text, fc.jsonValue(), async (first, second, description, payload) => {
        const task = await scribe.add(
          { description, payload: payload as never, metadata: { [description]: 1 } },
          first,
        );
        expect(normal((await scribe.store.task(task.id))!)).toEqual(normal(task));
        const next = await scribe.change(task, second);
        expect(normal((await scribe.store.task(task.id))!)).toEqual(normal(next));
      }),
      { numRuns: 40 },
    );
  });

  test('a specification that has become another one is kept, and found by all that it was found by', async () => {
    const scribe = await openFor(driver);
    const input = { tags: ['a'], depends_on: ['x'], requirements: { r: 1 }, created_by: 'ann' };
    const task = await scribe.add({ ...input, payload: { $result: 'k' } }, { plan: 'p' });
    const spec = Spec.of({ ...task.spec.value, payload: 'grüße \u0000' });
    const next = await scribe.change(task, { spec });
    // Together with other changes, and told with them.
    await scribe.change(next, { losses: 1, spec });
    for (const query of [{ tag: 'a' }, { planId: 'p' }, { createdBy: 'ann' }]) {
      const { items } = await scribe.store.tasks({ limit: 9, maxBytes: 1e9, ...query });
      expect(items.map((one) => [one.id, one.spec.json, one.losses])).toEqual([[task.id, spec.json, 1]]);
    }
    expect((await scribe.store.load({ dependents: ['x'] })).dependents.get('x')![0]!.spec.json).toBe(spec.json);
    if (driver.reopen) scribe.store = await driver.reopen(scribe.store);
    expect((await scribe.store.task(task.id))!.spec.json).toBe(spec.json);
  });

  test('what does not exist is null, for each kind of record', async () => {
    const { store } = await openFor(driver);
    const loaded = await store.load({ tasks: ['t'], workers: ['w'], idempotency: ['k'], dependents: ['t'] });
    expect(loaded.tasks.get('t')).toBeNull();
    expect(loaded.workers.get('w')).toBeNull();
    expect(loaded.idempotency.get('k')).toBeNull();
    expect(loaded.dependents.get('t')).toEqual([]);
    expect(await store.task('t')).toBeNull();
    expect(await store.worker('w')).toBeNull();
  });
}

/** JSON knows no minus zero. */
function normal(task: Task): unknown {
  return JSON.parse(JSON.stringify(plain(task)));
}
