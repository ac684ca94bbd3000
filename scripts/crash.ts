/** Kills a kernel under load, again and again: `npm run test:crash -- --kills 100 --seed 1`. */
import { parseArgs } from 'node:util';
import { crashRun } from '../packages/kernel/test/crash/crash-run.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});
const report = await crashRun({ kills: Number(values.kills), seed: Number(values.seed) });
process.stdout.write(`${JSON.stringify(report)}\n`);
