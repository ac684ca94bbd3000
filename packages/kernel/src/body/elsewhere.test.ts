/** What other kernels commit, as it concerns those who wait here: nobody is forgotten, and nobody looks in vain. */
import { expect, test, vi } from 'vitest';
import type { LedgerEntry } from '../core/event.ts';
import { openFreshStore } from '../testing/fresh-store.ts';
import { type LoneKernel, loneKernel } from '../testing/lone-kernel.ts';
import { after, before } from '../testing/meddling.ts';
import { newTask } from '../testing/pipeline.ts';
import { SimClock } from '../testing/sim-clock.ts';
import { Dispatcher } from './dispatcher.ts';
import { Elsewhere } from './elsewhere.ts';
import { Presence } from './presence.ts';
import { TaskWaiters } from './task-waiters.ts';

/** Maya waits here, in vain so far; willi is busy elsewhere. */
async function scene(): Promise<LoneKernel & { given: readonly string[] }> {
  const it = await loneKernel();
  await it.elsewhere.hire('maya');
  await it.elsewhere.hire('willi', 9);
  it.tell();
  const given = it.wait('maya');
  await it.rest();
  return { ...it, given };
}

test('a task that is handed in elsewhere goes to who waits here', async () => {
  const { elsewhere, tell, rest, given } = await scene();
  await elsewhere.submit('t');
  await rest();
  expect(given).toEqual([]);
  tell();
  await vi.waitFor(() => expect(given).toEqual(['t']));
});

test('what is handed in and taken elsewhere in one breath is nothing to look for', async () => {
  const { elsewhere, store, tell, rest, given } = await scene();
  const looks = (['survey', 'load'] as const).map((method) => vi.spyOn(store, method));
  await elsewhere.submit('t');
  await elsewhere.take('willi');
  for (const look of looks) look.mockClear();
  tell();
  await rest();
  for (const look of looks) expect(look).not.toHaveBeenCalled();
  expect(given).toEqual([]);
});

test('one that is handed in is found however many others are taken in the same breath', async () => {
  const { elsewhere, tell, given } = await scene();
  for (const id of ['a', 'b']) await elsewhere.submit(id);
  elsewhere.pipeline.happened.splice(0);
  await elsewhere.claim('willi', 2);
  await elsewhere.submit('t');
  tell();
  await vi.waitFor(() => expect(given).toEqual(['t']));
});

test('one that comes back in the same breath in which it was taken is found', async () => {
  const { elsewhere, tell, given } = await scene();
  await elsewhere.submit('t');
  elsewhere.pipeline.happened.splice(0);
  await elsewhere.take('willi');
  await elsewhere.do({ kind: 'heartbeat', actor: 'worker:willi', workerId: 'willi', tasks: [] });
  tell();
  await vi.waitFor(() => expect(given).toEqual(['t']));
});

test('after a loss all that waits is looked for, told of or not', async () => {
  const { elsewhere, tell, given } = await scene();
  await elsewhere.submit('t');
  elsewhere.pipeline.happened.splice(0);
  await elsewhere.do({
    kind: 'announce',
    actor: 'kernel',
    event: 'rollback_completed',
    data: { lost_up_to: 1, reason: 'failover' },
  });
  tell();
  await vi.waitFor(() => expect(given).toEqual(['t']));
});

test.each([
  ['before it has looked how much there is', before, 'survey'],
  ['after it has looked how much there is', after, 'survey'],
  ['before it has loaded what it must know', before, 'load'],
  ['after it has loaded what it must know', after, 'load'],
  ['before it has committed', before, 'commit'],
  ['after it has committed', after, 'commit'],
] as const)('a task that is told of while a batch is under way, %s, is found', async (_, meddle, method) => {
  const { kernel, elsewhere, store, tell, given } = await scene();
  meddle(store, method, async () => {
    await elsewhere.submit('t');
    tell();
  });
  const tasks = [newTask('nothing for maya', { requirements: { capability: 'fly' } }, 0)];
  await kernel.execute({ kind: 'submit', actor: 'ann', tasks });
  await vi.waitFor(() => expect(given).toEqual(['t']));
});

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
