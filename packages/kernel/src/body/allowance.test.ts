/** So many a second, and so many at once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Allowance } from './allowance.ts';

test('whenever it is asked, it gives no more than it may, and all of it to whoever waits', () => {
  const rate = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 20 }) });
  const pauses = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 400 })), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(rate, pauses, ({ perSecond, burst }, pauses) => {
      const allowance = new Allowance(perSecond, burst);
      const taken: number[] = [];
      let now = 1000;
      for (const pause of pauses) {
        now += pause;
        const has = allowance.has(now);
        expect(allowance.take(now)).toBe(has);
        if (has) taken.push(now);
      }
      for (const [at, from] of taken.entries()) {
        for (const [more, to] of taken.slice(at).entries()) {
          expect(more + 1).toBeLessThanOrEqual(burst + ((to - from) * perSecond) / 1000 + 1e-6);
        }
      }
      now += ((burst + 1) * 1000) / perSecond;
      for (let n = 0; n < burst; n++) expect(allowance.take(now)).toBe(true);
      expect(allowance.take(now)).toBe(false);
    }),
  );
});

test('who asks all the time gets it at its rate', () => {
  const allowance = new Allowance(20, 1);
  let taken = 0;
  for (let now = 0; now < 10_000; now++) if (allowance.take(now)) taken++;
  expect(taken).toBe(200);
});
