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
