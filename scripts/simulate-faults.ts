/**
 * Runs the seeded fault simulation: `npm run simulate:faults -- --seed 7` repeats one world exactly,
 * `-- --runs 500 --seed 1` runs five hundred of them.
 */
import { parseArgs } from 'node:util';
import { simulate } from '../packages/kernel/src/testing/simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    steps: { type: 'string', default: '150' },
  },
});
const first = Number(values.seed);
const runs = Number(values.runs);
const steps = Number(values.steps);
if (![first, runs, steps].every((n) => Number.isSafeInteger(n) && n > 0)) {
  process.stderr.write('--seed, --runs and --steps take whole numbers above 0\n');
  process.exit(2);
}

let failed = 0;
for (let seed = first; seed < first + runs; seed++) {
  try {
    process.stdout.write(`${JSON.stringify(await simulate({ seed, steps }))}\n`);
  } catch (error) {
    failed++;
    process.stdout.write(`${(error as Error).message}\n`);
  }
}
process.stdout.write(`${runs - failed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
