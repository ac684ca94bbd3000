/** Lanes that a limit keeps closed for good come and go like all others. */
import { expect, test } from 'vitest';
import { ClosedLanes } from './closed-lanes.ts';

test('lanes that hold nothing any more are not remembered for ever', () => {
  const closed = new ClosedLanes();
  let most = 0;
  for (let n = 0; n < 100_000; n++) {
    closed.add(`lane ${n}`, {});
    closed.letGo((lane) => Number(lane.slice(5)) > n - 10);
    most = Math.max(most, closed.size);
  }
  expect(most).toBeLessThanOrEqual(1000);
  expect(closed.size).toBeGreaterThanOrEqual(10);
});

test('those that do are, however many', () => {
  const closed = new ClosedLanes();
  for (let n = 0; n < 5000; n++) {
    closed.add(`lane ${n}`, {});
    closed.letGo(() => true);
  }
  expect(closed.size).toBe(5000);
});
