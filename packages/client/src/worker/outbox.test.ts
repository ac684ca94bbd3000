import { expect, test, vi } from 'vitest';
import { Outbox, type Report } from './outbox.ts';

const task = { id: 't1', lease: { token: 7, expires_at: '' } };

function setUp() {
  const sent: Report[] = [];
  const errors: Error[] = [];
  const outbox = new Outbox(
    (report) => sent.push(report),
    (error) => errors.push(error),
  );
  return { sent, errors, outbox };
}

test('a report is kept until it is acknowledged', async () => {
  const { outbox, sent } = setUp();
  outbox.add(task, { type: 'complete', result: '1' });
  expect([...outbox.all()]).toEqual(sent);
  expect(sent).toMatchObject([{ taskId: 't1', leaseToken: 7 }]);
  const empty = outbox.empty();
  outbox.acknowledge(sent[0]?.ref ?? '');
  await empty;
  expect([...outbox.all()]).toEqual([]);
});

test('a stale lease ends the matter', () => {
  const { outbox, sent, errors } = setUp();
  outbox.add(task, { type: 'complete', result: '1' });
  outbox.refuse(sent[0]?.ref ?? '', 'stale_lease', '');
  expect([...outbox.all()]).toEqual([]);
  expect(errors).toEqual([]);
});

test('what could not be accepted just now is sent again', () => {
  vi.useFakeTimers();
  const { outbox, sent } = setUp();
  outbox.add(task, { type: 'release' });
  outbox.refuse('1', 'storage_unavailable', '');
  expect(sent).toHaveLength(1);
  vi.advanceTimersByTime(200);
  expect(sent.map(({ ref }) => ref)).toEqual(['1', '1']);
  vi.useRealTimers();
});

test('a result that is refused becomes a failure that is not retried', () => {
  const { outbox, sent, errors } = setUp();
  outbox.add(task, { type: 'complete', result: '[[[[]]]]' });
  outbox.refuse('1', 'validation_failed', 'too deep');
  expect(sent[1]).toMatchObject({
    taskId: 't1',
    leaseToken: 7,
    outcome: { type: 'fail', error: 'the result was refused: too deep', retryable: false },
  });
  expect([...outbox.all()].map(({ ref }) => ref)).toEqual(['2']);
  expect(errors).toHaveLength(1);
});
