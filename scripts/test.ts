/**
 * `npm test [-- filters and vitest options]`: builds what changed, runs every test once, and says as its last line how
 * many passed and failed. A file that does not load, an error nobody caught and a failed build count as a failure
 * each, so that a green count cannot hide them. No test at all is a failure too.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseCLI, startVitest, type Vitest } from 'vitest/node';
import { isThere, provide } from './debian.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

process.chdir(root);
process.env.NODE_ENV ??= 'test';

if (!isThere('valkey-server') && !provide('redis-server')) {
  console.error('The tests need redis-server or valkey-server on the PATH: apt-get install redis-server');
  finish(0, 1);
}
if (!build()) finish(0, 1);

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
const vitest = await startVitest(filter, { ...options, run: true, watch: false });
const { passed, failed } = count(vitest);
await vitest.close();
finish(passed, failed);

/** The tests of processes and packages run what `npm ci` would have built. */
function build(): boolean {
  const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
  return spawnSync(process.execPath, [tsc, '-b'], { stdio: 'inherit' }).status === 0;
}

function count(run: Vitest): { passed: number; failed: number } {
  let passed = 0;
  let failed = run.state.getUnhandledErrors().length;
  for (const file of run.state.getTestModules()) {
    let failedHere = 0;
    for (const test of file.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed++;
      if (state === 'failed') failedHere++;
    }
    // A file may fail without a failed test: it did not load, or a hook around its tests threw.
    failed += failedHere === 0 && !file.ok() ? 1 : failedHere;
  }
  return { passed, failed };
}

function finish(passed: number, failed: number): never {
  if (passed + failed === 0) console.error('No test ran.');
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}
