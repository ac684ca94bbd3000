import type { TaskStatus } from '@colonyos/client';
import { describe, expect, test } from 'vitest';
import { account, type Books, exitCodeOf } from './accounting.ts';

const STREAM = { from: 0, to: 8, events: 8, gaps: 0, firstDifference: null };

/** Two tasks, both done, and a ledger that says so. */
function books(changes: Partial<Books> = {}, ledger: Partial<Books['ledger']> = {}): Books {
  const once = new Map([
    ['a', 1],
    ['b', 1],
  ]);
  return {
    acknowledged: ['a', 'b'],
    tasks: new Map([
      ['a', { status: 'completed', error: null }],
      ['b', { status: 'completed', error: null }],
    ]),
    cancelled: new Set(),
    ...changes,
    ledger: { valid: true, firstInvalidId: null, stream: STREAM, submitted: once, ended: once, ...ledger },
  };
}

function ending(status: TaskStatus, error: string | null = null): Partial<Books> {
  return {
    tasks: new Map([
      ['a', { status: 'completed', error: null }],
      ['b', { status, error }],
    ]),
  };
}

describe('nothing is lost', () => {
  test.each<[string, Books]>([
    ['when every task is completed', books()],
    ['when a task failed and says why', books(ending('failed', 'the file is gone'))],
    ['when the run itself cancelled it', books({ ...ending('cancelled'), cancelled: new Set(['b']) })],
  ])('%s', (_, all) => {
    const losses = account(all);
    expect(losses).toEqual([]);
    expect(exitCodeOf(losses)).toBe(0);
  });
});

describe('it is a loss', () => {
  const onlyA = new Map([['a', 1]]);
  const twice = new Map([
    ['a', 1],
    ['b', 2],
  ]);

  test.each<[string, Books, { taskId: string | null; reason: RegExp }]>([
    [
      'when an acknowledged task is not there',
      books({ tasks: new Map([['a', { status: 'completed', error: null }]]) }),
      { taskId: 'b', reason: /not found/ },
    ],
    ['when a task never ended', books(ending('executing')), { taskId: 'b', reason: /still executing/ }],
    ['when a task failed for no reason', books(ending('failed')), { taskId: 'b', reason: /failed without a reason/ }],
    ['when somebody else cancelled it', books(ending('cancelled')), { taskId: 'b', reason: /cancelled without/ }],
    [
      'when the ledger does not know of its submit',
      books({}, { submitted: onlyA }),
      { taskId: 'b', reason: /^0 task_/ },
    ],
    ['when the ledger does not know of its end', books({}, { ended: onlyA }), { taskId: 'b', reason: /^0 entries/ }],
    ['when it ended twice', books({}, { ended: twice }), { taskId: 'b', reason: /^2 entries/ }],
    [
      'when the chain is broken',
      books({}, { valid: false, firstInvalidId: 5 }),
      { taskId: null, reason: /not valid from entry 5/ },
    ],
    [
      'when the stream left something out',
      books({}, { stream: { ...STREAM, gaps: 1 } }),
      { taskId: null, reason: /1 gaps/ },
    ],
    [
      'when the stream told something else',
      books({}, { stream: { ...STREAM, firstDifference: 3 } }),
      { taskId: null, reason: /differ from entry 3/ },
    ],
  ])('%s', (_, all, { taskId, reason }) => {
    const losses = account(all);
    expect(losses).toEqual([{ taskId, reason: expect.stringMatching(reason) }]);
    expect(exitCodeOf(losses)).toBe(1);
  });
});
