import type { BeeOrder } from './bee-protocol.ts';
import { BeeSlot } from './bee-slot.ts';
import { KINDS, type Kind, TRADES } from './kinds.ts';

/** How many files a bee has in its hands: while one is counted, others are read, assigned and reported. */
export const BEE_CONCURRENCY = 4;
const STOP_MS = 6_000;

/**
 * Who does what: every kind of work has a bee; the more work of a kind, the more bees beyond that. Fewer bees than
 * kinds, and some know several trades.
 */
export function assignTrades(workers: number, work: Readonly<Record<Kind, number>>): Kind[][] {
  const bees: Kind[][] = Array.from({ length: workers }, () => []);
  for (const [index, kind] of KINDS.entries()) bees[index % workers]!.push(kind);
  const holders = { text: 1, data: 1, image: 1 };
  for (const bee of bees.slice(KINDS.length)) {
    const busiest = KINDS.reduce((a, b) => (work[b] / holders[b] > work[a] / holders[a] ? b : a));
    holders[busiest]++;
    bee.push(busiest);
  }
  return bees;
}

/** All bees of a run. */
export class Swarm {
  readonly slots: readonly BeeSlot[];
  /** Rejects when a bee cannot be had at all. */
  readonly failed: Promise<never>;

  constructor(trades: readonly (readonly Kind[])[], common: Pick<BeeOrder, 'url' | 'token' | 'root' | 'run'>) {
    let fail: (reason: Error) => void = () => {};
    this.failed = new Promise((_, reject) => {
      fail = reject;
    });
    // Whoever races it hears of it; nobody else has to.
    this.failed.catch(() => {});
    this.slots = namesOf(trades).map(
      (name, index) =>
        new BeeSlot({ type: 'work', ...common, name, kinds: trades[index]!, concurrency: BEE_CONCURRENCY }, fail),
    );
  }

  /** Resolves when every bee is registered. */
  async start(): Promise<void> {
    for (const slot of this.slots) slot.start();
    await Promise.race([Promise.all(this.slots.map((slot) => slot.ready())), this.failed]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.stop(STOP_MS)));
  }

  destroy(): void {
    for (const slot of this.slots) slot.destroy();
  }

  get kills(): number {
    return this.slots.reduce((sum, { kills }) => sum + kills, 0);
  }

  get crashes(): number {
    return this.slots.reduce((sum, { crashes }) => sum + crashes, 0);
  }

  /** What the kernel gives a bee before it takes its tasks away; 0 until a bee has had one. */
  get leaseMs(): number {
    return Math.max(...this.slots.map(({ leaseMs }) => leaseMs));
  }

  /** Registered workers whose processes are gone. */
  takeAbandoned(): string[] {
    return this.slots.flatMap(({ abandoned }) => abandoned.splice(0));
  }
}

function namesOf(trades: readonly (readonly Kind[])[]): string[] {
  const count = new Map<string, number>();
  return trades.map((kinds) => {
    const bee = kinds.map((kind) => TRADES[kind].bee).join('+');
    const number = (count.get(bee) ?? 0) + 1;
    count.set(bee, number);
    return `${bee}-${number}`;
  });
}
