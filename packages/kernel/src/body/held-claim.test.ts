import { expect, test } from 'vitest';
import { aWorker } from '../testing/scribe.ts';
import { SimClock } from '../testing/sim-clock.ts';
import { Dispatcher } from './dispatcher.ts';
import { holdClaim } from './held-claim.ts';

test('a claim whose caller has gone, or is to go, before it waits does not wait', async () => {
  const dispatcher = new Dispatcher();
  const parts = { dispatcher, clock: new SimClock(), kick: () => undefined };
  expect(await holdClaim(parts, aWorker(), 1, 60_000, AbortSignal.abort())).toEqual([]);
  expect([...dispatcher.waiting()]).toEqual([]);
});

test('one that waits ends when its caller goes', async () => {
  const dispatcher = new Dispatcher();
  const caller = new AbortController();
  const parts = { dispatcher, clock: new SimClock(), kick: () => undefined };
  const claim = holdClaim(parts, aWorker(), 1, 60_000, caller.signal);
  expect([...dispatcher.waiting()]).toHaveLength(1);
  caller.abort();
  expect(await claim).toEqual([]);
  expect([...dispatcher.waiting()]).toEqual([]);
});
