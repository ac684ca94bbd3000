import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ballot } from '../core/vote.ts';
import { approvalsNeeded, standing } from './consensus.ts';

function ballots(...votes: boolean[]): Ballot[] {
  return votes.map((approve, n) => ({ participant: String(n), approve, reason: null, at: 0 }));
}

function named(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n));
}

test.each([
  [1, 0.66, 1],
  [3, 0.66, 2],
  [3, 0.67, 3],
  [4, 0.5, 2],
  [10, 0.7, 7],
  [5, 0.6, 3],
  [100, 0.01, 1],
  [3, 1, 3],
  [7, 0.0001, 1],
])('of %i participants at %d, %i must approve', (participants, threshold, needed) => {
  expect(approvalsNeeded({ participants: named(participants), threshold })).toBe(needed);
});

test('a vote is open until nothing that is still to come could change how it ends', () => {
  const votes = fc.record({
    count: fc.integer({ min: 1, max: 8 }),
    threshold: fc.double({ min: 0, max: 1, minExcluded: true, noNaN: true }),
    cast: fc.array(fc.boolean(), { maxLength: 8 }),
  });
  fc.assert(
    fc.property(votes, ({ count, threshold, cast }) => {
      const vote = { participants: named(count), threshold };
      const before = ballots(...cast.slice(0, count));
      const passes = (more: readonly boolean[]) =>
        [...before.map(({ approve }) => approve), ...more].filter(Boolean).length / count >= threshold;
      const outstanding = count - before.length;
      const outcomes = new Set(
        Array.from({ length: outstanding + 1 }, (_, n) =>
          passes(Array.from({ length: outstanding }, (_, at) => at < n)),
        ),
      );
      const expected = outcomes.size === 2 ? 'open' : outcomes.has(true) ? 'approved' : 'denied';
      expect(standing({ ...vote, ballots: before })).toBe(expected);
    }),
  );
});
