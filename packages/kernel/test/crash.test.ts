import { expect, it } from 'vitest';
import { crashRun } from './crash/crash-run.ts';

/** A small share; `npm run test:crash -- --kills N` does more. */
it('invariant 1: kill -9 under load loses no acknowledged task, completion or event', {
  timeout: 120_000,
}, async () => {
  const report = await crashRun({ kills: 4, seed: 1 });
  expect(report.submitted).toBeGreaterThan(10);
  expect(report.completed).toBeGreaterThan(10);
});
