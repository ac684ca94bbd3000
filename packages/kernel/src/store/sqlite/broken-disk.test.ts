/** invariant 16: no writing on broken ground. A disk without room is played by a limit on the size of files. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryPath } from '../../testing/temporary-path.ts';

const PRLIMIT = '/usr/bin/prlimit';
const source = (path: string) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));

/** Writes until it cannot, asks around, gets room, asks again; prints what it saw. */
const SCRIPT = `
  import { execFileSync } from 'node:child_process';
  const { SqliteStore } = await import(${source('./store.ts')});
  const { StorageUnavailable } = await import(${source('../../core/errors.ts')});
  const { Scribe } = await import(${source('../../testing/scribe.ts')});
  process.on('SIGXFSZ', () => undefined);
  const store = await SqliteStore.open({ path: process.argv[1] });
  const scribe = new Scribe(store);
  let acknowledged = 0;
  const fails = (act) => act().then(() => 'fine', (error) => error instanceof StorageUnavailable ? 'unavailable' : String(error));
  const add = async () => { await scribe.add({ payload: 'x'.repeat(20_000) }); acknowledged++; };
  let first = 'fine';
  for (let n = 0; n < 500 && first === 'fine'; n++) first = await fails(add);
  const seen = { first, acknowledged };
  seen.whileBroken = { write: await fails(add), read: await fails(() => store.task('task-1')) };
  seen.probe = await fails(() => store.probe());
  execFileSync('${PRLIMIT}', ['--pid', String(process.pid), '--fsize=unlimited']);
  seen.repaired = await fails(() => store.probe());
  seen.after = await fails(add);
  seen.stored = (await store.survey()).tasks.queued;
  seen.acknowledgedInAll = acknowledged;
  seen.head = (await store.ledger.span()).last;
  seen.valid = (await store.ledger.verify()).valid;
  await store.close();
  console.log(JSON.stringify(seen));`;

// Raising another process's limit is Linux's own call; there, it always runs.
test.skipIf(process.platform !== 'linux')(
  'when the disk takes no more, nothing is acknowledged until a probe has found that it does again',
  async () => {
    const path = temporaryPath('colony.db');
    const run = 'ulimit -S -f 1600; exec "$0" --input-type=module -e "$1" "$2"';
    const { stdout } = await promisify(execFile)('sh', ['-c', run, process.execPath, SCRIPT, path]);
    const seen = JSON.parse(stdout) as Record<string, unknown> & { acknowledged: number };
    expect(seen).toMatchObject({
      first: 'unavailable',
      whileBroken: { write: 'unavailable', read: 'fine' },
      repaired: 'fine',
      after: 'fine',
      valid: true,
    });
    expect(seen.acknowledged).toBeGreaterThan(2);
    // What was acknowledged is stored, and what was refused is not.
    expect(seen.stored).toBe(seen.acknowledgedInAll);
    expect(seen.head).toBe(seen.acknowledgedInAll);
  },
);
