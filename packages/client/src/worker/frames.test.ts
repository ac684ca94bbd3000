import { expect, test } from 'vitest';
import { pack, progressMessage, reportMessage } from './frames.ts';

const base = { ref: '1', taskId: 't"1', leaseToken: 7 };

test('a report carries what the protocol asks for', () => {
  const messages = [
    { type: 'complete', result: '{"n":1}' } as const,
    { type: 'fail', error: 'e', errorTrace: 'at x', retryable: false } as const,
    { type: 'release' } as const,
  ].map((outcome) => JSON.parse(reportMessage({ ...base, outcome })));
  const head = { ref: '1', task_id: 't"1', lease_token: 7 };
  expect(messages).toEqual([
    { type: 'complete', ...head, result: { n: 1 } },
    { type: 'fail', ...head, error: 'e', error_trace: 'at x', retryable: false },
    { type: 'release', ...head },
  ]);
});

test('progress without a message has none', () => {
  const message = JSON.parse(progressMessage('p1', { taskId: 't', leaseToken: 1, fraction: 0.5 }));
  expect(message).toEqual({ type: 'progress', ref: 'p1', task_id: 't', lease_token: 1, fraction: 0.5 });
});

test('messages are packed into arrays of limited size, a lone one as it is', () => {
  expect([...pack([], 10)]).toEqual([]);
  expect([...pack(['{"a":1}'], 10)]).toEqual(['{"a":1}']);
  expect([...pack(['1111', '2222', '3333'], 10)]).toEqual(['[1111,2222]', '3333']);
  expect([...pack(['1', '2'.repeat(20), '3'], 10)]).toEqual(['1', '2'.repeat(20), '3']);
});
