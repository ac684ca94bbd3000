/** What a queued task waits for, a sentence a row. */
import { expect, test } from 'vitest';
import type { Worker } from '../core/worker.ts';
import { aWorker, DAWN } from '../testing/scribe.ts';
import { fieldOf } from './candidates.ts';
import { passingFacts } from './eligibility.ts';
import { type Limit, type WaitingFor, waitsOfPending, waitsOfQueued } from './waits.ts';

const ASKS = 'asks';
const REACHED: Limit = { name: 'MAX_CONCURRENT_TASKS', most: 4, executing: 4 };

function waits(workers: readonly Partial<Worker>[], limits: readonly Limit[] = []) {
  const registered = workers.map((fields) => aWorker({ ...fields }));
  const waitedMs = (id: string) => (id === ASKS ? 1 : null);
  const field = fieldOf(passingFacts('', { worker: 'Maya' }), {
    ...{ workers: registered, waitedMs, mostWeighed: 9, weigh: () => [] },
  });
  return waitsOfQueued(field, { worker: 'Maya' }, limits);
}

const other: Partial<Worker> = { profile: { name: 'Willi', capabilities: [], attributes: {}, maxConcurrentTasks: 1 } };
const busy: Partial<Worker> = { holds: ['t'] };
const quarantined: Partial<Worker> = { quarantine: { until: DAWN, onTrial: false, times: 1 } };
const onTrial: Partial<Worker> = { quarantine: { until: DAWN, onTrial: true, times: 1 } };

test.each<[string, readonly Partial<Worker>[], readonly Limit[], readonly WaitingFor[], string]>([
  ['nobody is registered', [], [], ['worker'], 'none is registered'],
  ['nobody can do it', [other], [], ['worker'], 'none of the 1 registered can do this; it needs worker Maya'],
  ['who can is offline', [{ offline: true }], [], ['worker'], 'cannot just now (1 offline)'],
  ['who can drains', [{ draining: true }], [], ['worker'], 'cannot just now (1 draining)'],
  ['who can is in quarantine', [quarantined], [], ['worker'], 'cannot just now (1 in quarantine)'],
  ['who can is on trial, and asks', [{ ...onTrial, id: ASKS }], [], [], ''],
  ['who can is busy', [busy, other], [], ['capacity'], 'the only worker that could do this is busy'],
  ['all who can are busy', [busy, busy, { offline: true }], [], ['capacity'], 'all 2 workers'],
  ['who can does not ask', [{}], [], ['worker'], '1 worker that could do this has a free slot, and does not ask'],
  ['one of those who can asks', [{}, busy, { id: ASKS }], [], [], ''],
  [
    'a limit is reached',
    [{ id: ASKS }],
    [REACHED],
    ['capacity'],
    'MAX_CONCURRENT_TASKS (4) is reached: 4 tasks executing',
  ],
  ['a limit is reached, and nobody asks', [{}], [REACHED], ['worker', 'capacity'], 'do'],
  ['a limit is reached, and nobody could anyway', [other], [REACHED], ['worker'], 'none of the 1'],
])('%s', (_, workers, limits, reasons, text) => {
  const found = waits(workers, limits);
  expect(found.map((wait) => wait.for)).toEqual(reasons);
  expect(found.map((wait) => wait.text).join('; ')).toContain(text);
});

test('many dependencies are counted, and some of them named', () => {
  const unmet = Array.from({ length: 30 }, (_, n) => ({ id: `t${n}`, status: 'queued' as const }));
  const [wait] = waitsOfPending({ vote: null, unmet, dueAt: null, isRetry: false });
  expect(wait!.dependencies).toHaveLength(20);
  expect(wait!.text).toMatch(/^for 30 tasks to complete: t0 \(queued\), .*, t9 \(queued\) and 20 more$/);
});
