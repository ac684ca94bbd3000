import { setTimeout as sleep } from 'node:timers/promises';
import type { ColonyClient } from '@colonyos/client';
import type { Swarm } from './swarm.ts';
import type { Tracker } from './tracker.ts';
import { ENDED, type Trail } from './trail.ts';

/** How long nothing may happen before the rest counts as lost; at least two leases and a bit. */
const PATIENCE_MS = 30_000;
/** After a Ctrl-C, what is being worked on may be finished for so long; then it is cancelled too. */
const GRACE_MS = 3_000;
const LOOK_AGAIN_MS = 20;
const AT_ONCE = 32;

interface Drain {
  readonly client: ColonyClient;
  readonly tracker: Tracker;
  readonly swarm: Swarm;
  readonly interrupted: AbortSignal;
}

/** Waits until every task has ended, or nothing moves any more. Returns the tasks that had to be cancelled. */
export async function drain(options: Drain): Promise<Set<string>> {
  const { tracker, swarm, interrupted } = options;
  const cancelled = new Set<string>();
  let graceEnd: number | undefined;
  while (tracker.open > 0) {
    const now = performance.now();
    if (interrupted.aborted && graceEnd === undefined) {
      graceEnd = now + GRACE_MS;
      await cancel(options, cancelled, ({ stage }) => stage !== 'executing');
    } else if (graceEnd !== undefined && now > graceEnd) {
      await cancel(options, cancelled, () => true);
      await caughtUp(tracker);
      break;
    }
    if (now - tracker.lastChange > Math.max(PATIENCE_MS, 2 * swarm.leaseMs + 5_000)) break;
    await sleep(LOOK_AGAIN_MS);
  }
  return cancelled;
}

async function cancel(
  { client, tracker }: Drain,
  cancelled: Set<string>,
  which: (trail: Trail) => boolean,
): Promise<void> {
  const rest = [...tracker.tasks].filter(([, trail]) => !ENDED.has(trail.stage) && which(trail)).values();
  const cancelNext = async () => {
    for (const [id] of rest) {
      try {
        await client.cancelTask(id);
        cancelled.add(id);
      } catch {
        // It has ended meanwhile; or it is gone, and the accounting will find out.
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, cancelNext));
}

/** The cancellations are acknowledged; their events follow. */
async function caughtUp(tracker: Tracker): Promise<void> {
  const deadline = performance.now() + GRACE_MS;
  while (tracker.open > 0 && performance.now() < deadline) await sleep(LOOK_AGAIN_MS);
}
