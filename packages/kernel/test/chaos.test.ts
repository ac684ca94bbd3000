import { expect, it } from 'vitest';
import { chaosRun } from './chaos/chaos-run.ts';

/** A small share; `npm run test:chaos -- --faults N` does more. */
it('two kernels on one Redis lose nothing that was acknowledged, whatever is killed, frozen or cut off, also in the middle of rollbacks', {
  timeout: 180_000,
}, async () => {
  const report = await chaosRun({ faults: 4, seed: 1 });
  expect(report.submitted).toBeGreaterThan(10);
  expect(report.completed).toBeGreaterThan(10);
  expect(report.plans).toBeGreaterThan(5);
  expect(report.ballots).toBeGreaterThan(10);
  expect(report.checkpoints).toBeGreaterThan(1);
  expect(report.rollbacks).toBeGreaterThan(1);
});
