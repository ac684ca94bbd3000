import { setTimeout as sleep } from 'node:timers/promises';
import { between, pick, type Random } from './random.ts';
import type { Swarm } from './swarm.ts';

/** Before the first kill: a small folder is done soon. */
const FIRST_MS = [10, 100] as const;
/** Between two kills. */
const PAUSE_MS = [250, 1_000] as const;
/** How long a kill waits for its victim to have something in its hands, which is when it hurts. */
const PATIENCE_MS = 500;

interface Chaos {
  readonly swarm: Swarm;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** False: it is time to heal. First break things, then demand that everything is well in the end. */
  readonly goOn: () => boolean;
  readonly onKill: (name: string) => void;
}

/** Kills bees with SIGKILL at moments and in an order that the seed decides. Never rejects. */
export async function chaos({ swarm, random, signal, goOn, onKill }: Chaos): Promise<void> {
  for (let pause: readonly [number, number] = FIRST_MS; ; pause = PAUSE_MS) {
    await sleep(between(random, ...pause), undefined, { signal }).catch(() => {});
    const victim = pick(random, swarm.slots);
    if (signal.aborted || !goOn() || !victim) return;
    if (await victim.killAtWork(PATIENCE_MS, signal)) onKill(victim.order.name);
  }
}
