import { expect, test } from 'vitest';
import { inTurns } from './in-turns.ts';

/** Takes so many milliseconds a step, and counts how often somebody else had a turn until its end. */
async function served(steps: number, stepMs: number): Promise<number> {
  let others = 0;
  let isOver = false;
  const other = () => {
    others++;
    if (!isOver) setImmediate(other);
  };
  setImmediate(other);
  function* work(): Generator<void, string> {
    for (let step = 0; step < steps; step++) {
      for (const until = performance.now() + stepMs; performance.now() < until; );
      yield;
    }
    return 'done';
  }
  expect(await inTurns(work())).toBe('done');
  isOver = true;
  return others;
}

test('what takes long lets others in between', async () => {
  expect(await served(20, 3)).toBeGreaterThanOrEqual(2);
});

test('what does not is done at once', async () => {
  expect(await served(3, 0)).toBe(0);
});

test('what is thrown comes out', async () => {
  // biome-ignore lint/correctness/useYield: it does not come so far
  const failing = function* (): Generator<void, never> {
    throw new Error('oh');
  };
  await expect(inTurns(failing())).rejects.toThrow('oh');
});
