import { expect, test } from 'vitest';
import { ColonyError, retryAfterMs } from './errors.ts';

test('Retry-After is read as seconds or as a date', () => {
  expect(retryAfterMs('1.5')).toBe(1_500);
  expect(retryAfterMs(null)).toBeUndefined();
  expect(retryAfterMs('soon')).toBeUndefined();
  expect(retryAfterMs(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(50_000);
  expect(retryAfterMs(new Date(0).toUTCString())).toBe(0);
});

test('the message of an error says what and what to do', () => {
  const error = ColonyError.from(
    409,
    JSON.stringify({ code: 'stale_lease', detail: 'Stop working on it.', status: 200 }),
  );
  expect(error.message).toBe('stale_lease: Stop working on it.');
  expect(error.status).toBe(409);
});
