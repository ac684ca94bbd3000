import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agedPriority, HIGHEST_PRIORITY, PRIORITIES } from './aging.ts';

const waiting = { priority: 3, attempt: 0, createdAt: 0, queuedAt: 10_000 };

test('a task counts as one priority higher for each whole span that it has been in the queue', () => {
  expect([10_000, 10_999, 11_000, 12_500].map((now) => agedPriority(waiting, now, 1000))).toEqual([3, 3, 4, 5]);
});

test('it counts as of the highest priority in the end, and as of no higher one', () => {
  expect(agedPriority(waiting, 1e12, 1000)).toBe(HIGHEST_PRIORITY);
  expect(PRIORITIES).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
});

test('what has come back has waited since it was handed in', () => {
  expect(agedPriority({ ...waiting, attempt: 1 }, 11_000, 5000)).toBe(5);
});

test('it never counts as less than it is, nor as less than a moment before', () => {
  fc.assert(
    fc.property(
      fc.nat(10),
      fc.integer(),
      fc.nat(100_000),
      fc.integer({ min: 1, max: 5000 }),
      (priority, now, more, span) => {
        const before = agedPriority({ ...waiting, priority }, now, span);
        expect(before).toBeGreaterThanOrEqual(priority);
        expect(agedPriority({ ...waiting, priority }, now + more, span)).toBeGreaterThanOrEqual(before);
      },
    ),
  );
});
