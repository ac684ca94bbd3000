/** What a kernel makes of what others say in the ledger. */
import { expect, test, vi } from 'vitest';
import type { LedgerEntry } from '../core/event.ts';
import { openFreshStore } from '../testing/fresh-store.ts';
import { SimClock } from '../testing/sim-clock.ts';
import { Dispatcher } from './dispatcher.ts';
import { Elsewhere } from './elsewhere.ts';
import { Presence } from './presence.ts';
import { TaskWaiters } from './task-waiters.ts';

function loss(id: number, lostUpTo: number): LedgerEntry {
  const data = JSON.stringify({ lost_up_to: lostUpTo, reason: 'failover' });
  return {
    ...{ id, type: 'rollback_completed', source: 'kernel', actor: 'kernel', at: 0, data },
    ...{ taskId: null, workerId: null },
  };
}

test('of the many entries that tell of a loss the last one has all looked at anew', async () => {
  const [store, clock, onRollback] = [await openFreshStore(), new SimClock(), vi.fn()];
  const elsewhere = new Elsewhere({
    ...{ clock, dispatcher: new Dispatcher(), presence: new Presence(1000) },
    ...{ taskWaiters: new TaskWaiters(store, clock), kick: () => undefined, expect: () => undefined, onRollback },
  });
  elsewhere.follow([loss(5, 7), loss(6, 7)]);
  expect(onRollback).not.toHaveBeenCalled();
  elsewhere.follow([loss(7, 7), loss(8, 7)]);
  expect(onRollback).toHaveBeenCalledTimes(1);
  await store.close();
});
