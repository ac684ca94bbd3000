import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

/** Keeps everybody waiting for so long, a step at a time. */
function* busy(steps: number, stepMs: number): Generator<void, string> {
  for (let step = 0; step < steps; step++) {
    for (const end = performance.now() + stepMs; performance.now() < end; );
    yield;
  }
  return 'done';
}

test('while something long is carried out others have their turns', async () => {
  let turns = 0;
  const count = () => {
    turns++;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  expect(await new Pace().carryOut(busy(40, 1))).toBe('done');
  clearImmediate(immediate);
  expect(turns).toBeGreaterThanOrEqual(5);
});

test('what is short is carried out at once', async () => {
  let isLater = false;
  const immediate = setImmediate(() => {
    isLater = true;
  });
  expect(await new Pace().carryOut(busy(1, 0))).toBe('done');
  expect(isLater).toBe(false);
  clearImmediate(immediate);
});

test('however much is carried out at once, others have their turns as often, and each comes to its end', async () => {
  const pace = new Pace();
  let sinceTurn = 0;
  let most = 0;
  const look = () => {
    most = Math.max(most, sinceTurn);
    sinceTurn = 0;
    immediate = setImmediate(look);
  };
  let immediate = setImmediate(look);
  const counted = function* () {
    for (const step of busy(10, 1)) {
      sinceTurn++;
      yield step;
    }
    return 'done';
  };
  expect(new Set(await Promise.all(Array.from({ length: 40 }, () => pace.carryOut(counted()))))).toEqual(
    new Set(['done']),
  );
  clearImmediate(immediate);
  // Two slices of 4 ms, one of those who come and one of those who wait; the last step of each may be begun just before its end.
  expect(most).toBeLessThanOrEqual(12);
});
