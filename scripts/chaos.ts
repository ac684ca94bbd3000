/** Two kernels on one Redis, and everything that may go wrong: `npm run test:chaos -- --faults 50 --seed 1`. */
import { parseArgs } from 'node:util';
import { chaosRun } from '../packages/kernel/test/chaos/chaos-run.ts';

const { values } = parseArgs({
  options: { faults: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});
const report = await chaosRun({ faults: Number(values.faults), seed: Number(values.seed) });
process.stdout.write(`${JSON.stringify(report)}\n`);
