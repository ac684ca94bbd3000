import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../src/testing/random.ts';
import { freePort } from '../../src/testing/redis-server.ts';
import { KernelProcess } from '../kernel-process.ts';
import { Loader } from './loader.ts';

export interface CrashReport {
  readonly kills: number;
  readonly submitted: number;
  readonly completed: number;
  readonly entries: number;
}

/**
 * Kills the kernel with SIGKILL while submitters, workers and a watcher use it, and starts it again on the same
 * files, `kills` times. Whatever was acknowledged must be there at the end. Throws with everything that is not.
 */
export async function crashRun({ kills, seed }: { kills: number; seed: number }): Promise<CrashReport> {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), 'colony-crash-'));
  const env = {
    COLONY_PORT: String(await freePort()),
    COLONY_MEMORY_CONNECTION_STRING: join(folder, 'colony.db'),
    MAX_CONCURRENT_TASKS: '0',
    WORKER_HEARTBEAT_INTERVAL: '2',
  };
  let kernel = await KernelProcess.start(env);
  const load = new Loader(kernel.url);
  try {
    load.start({ submitters: 8, workers: 3 });
    for (let kill = 0; kill < kills; kill++) {
      await load.progress(random.between(20, 300));
      await kernel.end('SIGKILL');
      kernel = await KernelProcess.start(env);
    }
    await load.finish();
    const problems = await load.check();
    if (problems.length > 0) throw new Error(`seed ${seed}:\n${problems.slice(0, 20).join('\n')}`);
    return { kills, ...load.totals() };
  } finally {
    await load.abandon();
    await kernel.end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
