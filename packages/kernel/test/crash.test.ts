import { expect, it } from 'vitest';
import { crashRun } from './crash/crash-run.ts';

/** A small share; `npm run test:crash -- --kills N` does more. */
it('invariants 1, 8, 10 and 13: kill -9 under load, also in the middle of rollbacks, loses nothing acknowledged', {
  timeout: 120_000,
}, async () => {
  const report = await crashRun({ kills: 4, seed: 1 });
  expect(report.submitted).toBeGreaterThan(10);
  expect(report.completed).toBeGreaterThan(10);
  expect(report.plans).toBeGreaterThan(5);
  expect(report.ballots).toBeGreaterThan(10);
  expect(report.checkpoints).toBeGreaterThan(1);
  expect(report.firings).toBeGreaterThan(3);
  // Two are made in peace at the end.
  expect(report.rollbacks).toBeGreaterThan(1);
});
