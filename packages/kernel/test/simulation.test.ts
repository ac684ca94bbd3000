import { describe, expect, it } from 'vitest';
import { simulate } from '../src/testing/simulation.ts';

/**
 * A small share of the simulated worlds; `npm run simulate:faults -- --runs N` runs more of them. In
 * that of the last seed kernels are killed in the middle of rollbacks.
 */
const SEEDS = [1, 2, 5, 8, 9, 11, 14, 15, 20, 23, 26];

describe('the seeded fault simulation keeps invariants 1–14 and 18', () => {
  it.each(SEEDS)('in the world of seed %i', { timeout: 60_000 }, async (seed) => {
    const report = await simulate({ seed });
    expect(report.tasks).toBeGreaterThan(10);
  });
});
