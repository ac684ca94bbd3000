/** Requirements and workers as large as a request may be are compared without anybody noticing. */
import { expect, test } from 'vitest';
import { aWorker } from '../testing/scribe.ts';
import { matches } from './matching.ts';

const names = Array.from({ length: 100_000 }, (_, n) => `n${n}`);

/** Comparing each with each would take minutes; the suite's own patience is the limit. */
test('a hundred thousand things that are wanted are found among a hundred thousand', () => {
  const profile = { name: 'Maya', capabilities: [], attributes: { tools: names }, maxConcurrentTasks: 1 };
  const worker = aWorker({ profile });
  expect(matches(worker, { tools: names.toReversed() })).toBe(true);
  expect(matches(worker, { tools: [...names.toReversed(), 'none'] })).toBe(false);
});
