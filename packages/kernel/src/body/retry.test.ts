import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DEFAULT_BACKOFF, type RetryBackoff } from '../core/task.ts';
import { backoffMs } from './retry.ts';

const exponential: RetryBackoff = { type: 'exponential', delay_seconds: 1, max_delay_seconds: 60, jitter: false };
const fixed: RetryBackoff = { type: 'fixed', delay_seconds: 2.5, max_delay_seconds: 60, jitter: false };

test.each([
  ['exponential waits once the delay at first', exponential, 1, 0.5, 1000],
  ['then twice', exponential, 2, 0.5, 2000],
  ['then four times', exponential, 3, 0.5, 4000],
  ['up to the most', exponential, 7, 0.5, 60_000],
  ['and never more, however often', exponential, 100, 0.999, 60_000],
  ['a delay over the most is cut from the start', { ...exponential, delay_seconds: 90 }, 1, 0, 60_000],
  ['fractions of seconds count', { ...exponential, delay_seconds: 0.25 }, 2, 0, 500],
  ['fixed waits the same every time', fixed, 1, 0.5, 2500],
  ['also much later', fixed, 50, 0.5, 2500],
  ['no delay is no delay', { ...fixed, delay_seconds: 0 }, 3, 0.9, 0],
  ['full jitter draws from zero', { ...exponential, jitter: true }, 3, 0, 0],
  ['to the whole delay', { ...exponential, jitter: true }, 3, 0.75, 3000],
  ['jitter works on fixed delays as well', { ...fixed, jitter: true }, 1, 0.5, 1250],
] as const)('%s', (_, backoff, retry, random, expected) => {
  expect(backoffMs(backoff, retry, random)).toBe(expected);
});

test('whatever is asked for, a wait is a whole number of milliseconds within its bounds', () => {
  const some = fc.record({
    type: fc.constantFrom('fixed' as const, 'exponential' as const),
    delay_seconds: fc.double({ min: 0, max: 86_400, noNaN: true }),
    max_delay_seconds: fc.double({ min: 0, max: 86_400, noNaN: true }),
    jitter: fc.boolean(),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 100 }), random, (backoff, retry, drawn) => {
      const ms = backoffMs(backoff, retry, drawn);
      expect(Number.isSafeInteger(ms)).toBe(true);
      expect(ms).toBeGreaterThanOrEqual(0);
      const most = backoff.type === 'fixed' ? backoff.delay_seconds : backoff.max_delay_seconds;
      expect(ms).toBeLessThanOrEqual(Math.round(most * 1000));
    }),
  );
});

test('unless told otherwise: exponential, one second to a minute, full jitter', () => {
  expect(DEFAULT_BACKOFF).toEqual({ type: 'exponential', delay_seconds: 1, max_delay_seconds: 60, jitter: true });
});
