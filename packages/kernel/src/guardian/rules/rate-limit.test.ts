import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePolicy } from '../parse.ts';
import { type Bucket, takeTokens } from './rate-limit.ts';

const limit = { perSecond: 2, burst: 3 };

test('a policy says what its rate limits are, and does not judge by them', () => {
  const rule = { id: 'slow', type: 'rate_limit', action: 'reject', per_second: 0.5, burst: 10 };
  expect(parsePolicy({ version: 1, rules: [rule] })).toMatchObject({
    policy: { rules: [], rateLimits: [{ rule: 'slow', perSecond: 0.5, burst: 10 }] },
  });
});

test('a burst passes, and then as many as the rate allows', () => {
  let bucket: Bucket | null = null;
  const take = (now: number) => {
    const taken = takeTokens(bucket, limit, now);
    bucket = taken.bucket;
    return taken.allowed;
  };
  expect([0, 0, 0, 0, 499, 500, 501, 1000].map(take)).toEqual([true, true, true, false, false, true, false, true]);
});

test('who is refused is told when to come again, in whole seconds', () => {
  const empty = { tokens: 0, at: 0 };
  expect(takeTokens(empty, limit, 0)).toEqual({ bucket: empty, allowed: false, retryAfterSeconds: 1 });
  expect(takeTokens(empty, { perSecond: 0.1, burst: 1 }, 0).retryAfterSeconds).toBe(10);
  expect(takeTokens(empty, limit, 0, 3).retryAfterSeconds).toBe(2);
});

test('more than a burst at once waits for a full bucket, and is paid for afterwards', () => {
  const first = takeTokens(null, limit, 0, 10);
  expect(first).toEqual({ bucket: { tokens: -7, at: 0 }, allowed: true, retryAfterSeconds: 0 });
  expect(takeTokens(first.bucket, limit, 3000)).toMatchObject({ allowed: false, retryAfterSeconds: 1 });
  expect(takeTokens(first.bucket, limit, 4000)).toMatchObject({ allowed: true });
});

test('a clock that goes back neither gives nor takes', () => {
  expect(takeTokens({ tokens: 1.5, at: 5000 }, limit, 1000)).toMatchObject({ bucket: { tokens: 0.5, at: 1000 } });
});

test('in no stretch of time pass more than the burst and what the rate adds', () => {
  const rates = fc.record({
    perSecond: fc.double({ min: 0.01, max: 1000, noNaN: true }),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(rates, fc.array(fc.nat(2000), { maxLength: 200 }), (rate, pauses) => {
      let bucket: Bucket | null = null;
      let now = 0;
      let passed = 0;
      for (const pause of pauses) {
        now += pause;
        const taken = takeTokens(bucket, rate, now);
        bucket = taken.bucket;
        if (taken.allowed) passed++;
        else expect(takeTokens(bucket, rate, now + 1000 * taken.retryAfterSeconds).allowed).toBe(true);
      }
      expect(passed).toBeLessThanOrEqual(rate.burst + (now / 1000) * rate.perSecond + 0.001);
    }),
  );
});
