import { type Figures, inTurns } from '../lib/compare.ts';
import { Hive } from '../lib/hive.ts';
import type { Workload } from '../lib/report.ts';
import { colony } from '../peers/colony.ts';
import { colonyOnRedis, startSharedRedis } from '../peers/colony-on-redis.ts';
import type { Peer } from '../peers/peer.ts';

const KERNELS = [1, 2, 4];
const RATE = 'both at once /s';
const CONFLICTS = 'conflicts a task';
/** How often it is looked whether all is done. */
const LOOK_MS = 10;

/** Several kernels on one Redis, each with a submitter and a worker of its own, handing in and running at once. */
export const p10: Workload = {
  id: 'p10',
  title: 'P10: several kernels on one Redis',
  async run({ quick, rounds }) {
    const count = quick ? 4_000 : 20_000;
    const contestants = KERNELS.map((kernels) => ({ ...colonyOnRedis('always'), name: nameOf(kernels), kernels }));
    const { comparison, missing } = await inTurns(contestants, rounds, (peer) => once(peer.kernels, count));
    return {
      how: [
        `${count.toLocaleString('en-US')} tasks of about 200 bytes in all, 64 calls in flight and 64 slots for each kernel,`,
        `appendfsync always, median (range) of ${rounds} rounds.`,
        ...missing,
      ].join(' '),
      columns: ['', RATE, CONFLICTS],
      rows: comparison.rows([RATE, CONFLICTS]),
      goals: KERNELS.slice(1).map((kernels) => ({
        text: `${nameOf(kernels)}, against ${nameOf(1)}`,
        value: comparison.ratio(nameOf(kernels), nameOf(1), RATE),
        goal: 1,
        atLeast: true,
      })),
    };
  },
};

function nameOf(kernels: number): string {
  return kernels === 1 ? 'one kernel' : `${kernels} kernels`;
}

async function once(kernels: number, count: number): Promise<Figures> {
  const redis = await startSharedRedis('always');
  const hives: Hive[] = [];
  const addresses: string[] = [];
  try {
    for (let n = 0; n < kernels; n++) {
      const { address } = await redis.startKernel();
      addresses.push(address);
      const server = { address, stop: async () => undefined };
      const peer: Peer = { ...colony, serve: async () => server };
      hives.push(await Hive.open(peer));
    }
    await together(hives, addresses[0]!, 2_000); // Warms up all processes.
    const before = await conflicts(addresses);
    const rate = await together(hives, addresses[0]!, count);
    return { [RATE]: rate, [CONFLICTS]: ((await conflicts(addresses)) - before) / count };
  } finally {
    for (const hive of hives) await hive.close();
    await redis.stop();
  }
}

/** Any worker takes what any submitter hands in: all of it is done when the colony says so. */
async function together(hives: readonly Hive[], address: string, count: number): Promise<number> {
  const each = Math.floor(count / hives.length);
  const target = (await completed(address)) + each * hives.length;
  const stops = await Promise.all(hives.map((hive) => hive.work()));
  const startedAt = performance.now();
  await Promise.all(hives.map((hive) => hive.submit(each)));
  while ((await completed(address)) < target) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const endedAt = performance.now();
  await Promise.all(stops.map((stop) => stop()));
  return (each * hives.length * 1000) / (endedAt - startedAt);
}

/** How many decisions had to be taken anew, over all kernels. */
async function conflicts(addresses: readonly string[]): Promise<number> {
  const pages = await Promise.all(addresses.map(async (address) => (await fetch(`${address}/metrics`)).text()));
  const counts = pages.map((page) => Number(/^colony_commit_conflicts_total (\d+)/m.exec(page)?.[1] ?? 0));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function completed(address: string): Promise<number> {
  const stats = (await (await fetch(`${address}/system/stats`)).json()) as { tasks: { completed: number } };
  return stats.tasks.completed;
}
