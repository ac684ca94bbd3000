import fc from 'fast-check';
import { expect, test } from 'vitest';
import { timestamp } from './clock.ts';

test('times are written as RFC 3339 says, whatever was asked for before', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 })), (times) => {
      for (const time of times) expect(timestamp(time)).toBe(new Date(time).toISOString());
    }),
  );
  expect([0, 7, 42, 999, 1000].map(timestamp)).toEqual([
    ...['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.007Z', '1970-01-01T00:00:00.042Z'],
    ...['1970-01-01T00:00:00.999Z', '1970-01-01T00:00:01.000Z'],
  ]);
});
