import { Comparison, rotated } from '../lib/compare.ts';
import { Role } from '../lib/processes.ts';
import type { Report, Settings, Workload } from '../lib/report.ts';
import { show } from '../lib/stats.ts';
import { colony, type KernelServer, startKernel } from '../peers/colony.ts';

const CONNECTIONS = 16;
const RATE = 'pairs /s';
const FILL_LIMIT_MS = 300_000;

/** Whether claiming gets slower when much is queued. It should not: a claim compares heads, and walks nothing. */
export const p5: Workload = {
  id: 'p5',
  title: 'P5: claim and complete with much queued',
  async run({ quick, rounds }: Settings): Promise<Report> {
    const sizes = quick ? [1_000, 20_000, 100_000] : [1_000, 100_000, 1_000_000];
    const pairs = quick ? 1_000 : 4_000;
    const reason = await colony.unavailable();
    const comparison = reason === null ? await measure(sizes, pairs, rounds) : new Comparison();
    return {
      how: [
        `One kernel for each size, all filled before the first is measured, then in turns ${pairs.toLocaleString('en-US')} pairs of`,
        `claim (one task) and complete over ${CONNECTIONS} connections, each a worker; what is taken out is put back before;`,
        `median (range) of ${rounds} rounds.`,
        reason === null ? '' : `Not measured: ${reason}.`,
      ].join(' '),
      columns: ['queued', RATE],
      rows: comparison.rows([RATE]),
      goals: sizes.slice(1).map((size) => ({
        text: `Time for a pair with ${name(size)} queued, against ${name(sizes[0]!)}`,
        value: comparison.ratio(name(sizes[0]!), name(size), RATE),
        goal: 1.3,
        atLeast: false,
      })),
    };
  },
};

function name(size: number): string {
  return size.toLocaleString('en-US');
}

async function measure(sizes: readonly number[], pairs: number, rounds: number): Promise<Comparison> {
  const comparison = new Comparison();
  const role = new Role('pairs.ts');
  const kernels: { size: number; server: KernelServer }[] = [];
  try {
    for (const size of sizes) {
      const server = await startKernel();
      kernels.push({ size, server });
      await role.ask('fill', { port: server.port, count: size }, FILL_LIMIT_MS);
      await role.ask('fill', { port: server.port, count: pairs });
      await role.ask('pairs', { port: server.port, count: pairs, connections: CONNECTIONS }); // Warms up.
      console.error(`  ${name(size)} queued`);
    }
    for (let round = 1; round <= rounds; round++) {
      for (const { size, server } of rotated(kernels, round)) {
        await role.ask('fill', { port: server.port, count: pairs });
        const rate = await role.ask<number>('pairs', { port: server.port, count: pairs, connections: CONNECTIONS });
        comparison.add(name(size), { [RATE]: rate });
        console.error(`  ${round}/${rounds} ${name(size)} queued: ${show(rate)} pairs /s`);
      }
    }
    return comparison;
  } finally {
    await role.end();
    for (const { server } of kernels) await server.stop();
  }
}
