import { type Figures, inTurns } from '../lib/compare.ts';
import { Hive } from '../lib/hive.ts';
import type { Workload } from '../lib/report.ts';
import { colony } from '../peers/colony.ts';
import { colonyOnRedis, startSharedRedis } from '../peers/colony-on-redis.ts';
import type { Peer } from '../peers/peer.ts';

const KERNELS = [1, 2, 4];
const RATE = 'both at once /s';
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
      columns: ['', RATE],
      rows: comparison.rows([RATE]),
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
  let address = '';
  try {
    for (let n = 0; n < kernels; n++) {
      ({ address } = await redis.startKernel());
      const server = { address, stop: async () => undefined };
      const peer: Peer = { ...colony, serve: async () => server };
      hives.push(await Hive.open(peer));
    }
    await together(hives, address, 2_000); // Warms up all processes.
    return { [RATE]: await together(hives, address, count) };
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

async function completed(address: string): Promise<number> {
  const stats = (await (await fetch(`${address}/system/stats`)).json()) as { tasks: { completed: number } };
  return stats.tasks.completed;
}
