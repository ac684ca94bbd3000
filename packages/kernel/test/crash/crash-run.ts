import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Random } from '../../src/testing/random.ts';
import { freePort } from '../../src/testing/redis-server.ts';
import { KernelProcess } from '../kernel-process.ts';
import { checkShown, checkStored, Heights } from '../load/check.ts';
import { Loader, SETTINGS, type Totals } from '../load/loader.ts';
import { Trail } from '../load/trail.ts';
import { checkIndex, followLedger, rollingTo, withRemains } from './remains.ts';

export interface CrashReport extends Totals {
  readonly kills: number;
  /** How many of them came in the middle of a rollback; and how many more before the next kernel had ended that. */
  readonly inRollback: number;
  readonly inResumed: number;
  /** How often a schedule handed in a task. */
  readonly firings: number;
}

/**
 * Kills the kernel with SIGKILL while submitters, workers, voters, operators and a watcher use it, every other time in
 * the middle of a rollback as far as it can be aimed at, and starts it again on the same files, `kills` times. What it leaves
 * each time must be what its ledger comes to; whatever was acknowledged must be there at the end, or the ledger must say why
 * not. Throws with everything that is not so.
 */
export async function crashRun({ kills, seed }: { kills: number; seed: number }): Promise<CrashReport> {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), 'colony-crash-'));
  const path = join(folder, 'colony.db');
  const env = {
    COLONY_PORT: String(await freePort()),
    COLONY_MEMORY_CONNECTION_STRING: path,
    MAX_CONCURRENT_TASKS: '0',
    WORKER_HEARTBEAT_INTERVAL: '2',
    ...SETTINGS,
  };
  let kernel = await KernelProcess.start(env);
  const load = new Loader(kernel.url, seed);
  const trail = new Trail();
  const heights = new Heights();
  let inRollback = 0;
  let inResumed = 0;

  /** Whether it was in the middle of a rollback. @param served whether it was healthy; then it has said that it is there */
  async function killed(served: boolean): Promise<boolean> {
    await kernel.end('SIGKILL');
    return withRemains(path, async (store, copy) => {
      checkIndex(copy, trail.problems);
      const { starts } = trail;
      await followLedger(store, trail);
      if (served && trail.starts === starts) trail.problems.push('a kernel served before the ledger has its start');
      await heights.climb(store, trail.problems);
      const checkpoint = await rollingTo(store);
      // Until it has come to its end, what is stored is on the way.
      if (checkpoint === null) await checkStored(store, trail);
      else trail.cutOff(checkpoint);
      return checkpoint !== null;
    });
  }

  try {
    await load.start({ submitters: 8, workers: 3, operators: 1 });
    for (let kill = 0; kill < kills; kill++) {
      await load.progress(random.between(20, 300));
      if (kill % 2 === 1) {
        const { begun, answered, usualMs } = await load.undo();
        await begun;
        await Promise.race([answered, pause(random.between(0, usualMs))]);
      }
      let wasRolling = await killed(true);
      if (wasRolling) inRollback++;
      while (wasRolling && random.chance(0.4)) {
        kernel = KernelProcess.launch(env);
        await pause(random.between(200, 600));
        wasRolling = await killed(false);
        if (wasRolling) inResumed++;
      }
      kernel = await KernelProcess.start(env);
      trail.problems.push(...load.caller.problems.splice(0));
      if (trail.problems.length > 0) break;
    }
    if (trail.problems.length === 0) {
      await load.finish();
      const shown = await checkShown(load);
      trail.problems.push(...load.caller.problems, ...shown.problems);
      if (await killed(true)) trail.problems.push('invariant 13: a rollback is acknowledged and under way');
    }
    if (trail.problems.length > 0) throw new Error(`seed ${seed}:\n${trail.problems.slice(0, 20).join('\n')}`);
    return { kills, inRollback, inResumed, firings: trail.replay.schedules.tasks.size, ...load.totals() };
  } finally {
    await load.abandon();
    await kernel.end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
