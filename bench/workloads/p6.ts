import { Comparison, rotated } from '../lib/compare.ts';
import { Role } from '../lib/processes.ts';
import type { Goal, Report, Settings, Workload } from '../lib/report.ts';
import { show } from '../lib/stats.ts';
import { colony, type KernelServer, startKernel } from '../peers/colony.ts';
import type { Shape } from '../roles/throng.ts';

const FEW = 10;
const IN_FLIGHT = 64;
const CONNECTIONS = 16;
const FIGURE = 'µs a task';

/** Workers that wait while tasks arrive, or that claim while every requirement set has tasks queued. */
type Phase = 'arriving' | 'claiming';
const PHASES: readonly Phase[] = ['arriving', 'claiming'];
const SHAPES: readonly Shape[] = ['specialists', 'generalists'];

/** Whether it takes longer to find out who gets which task where there are many kinds of workers and of tasks. It should hardly. */
export const p6: Workload = {
  id: 'p6',
  title: 'P6: routing with many workers and requirement sets',
  async run({ quick, rounds }: Settings): Promise<Report> {
    const many = quick ? 100 : 1_000;
    const ms = quick ? 300 : 1_500;
    const reason = await colony.unavailable();
    const comparison = new Comparison();
    if (reason === null) {
      for (const shape of SHAPES) for (const phase of PHASES) await measure(comparison, shape, phase, many, ms, rounds);
    }
    return {
      how: [
        `${many.toLocaleString('en-US')} workers and as many different requirement sets, against ${FEW} and ${FEW}, in turns; worker i of the`,
        'specialists can do set i, each generalist can do all sets. Arriving: all workers wait on sockets, all in one process;',
        `${IN_FLIGHT} tasks in flight, over the sets in turn, from submitted to completed and acknowledged. Claiming: every set has tasks`,
        `queued (${filled(many).toLocaleString('en-US')} in all), the workers claim in turn, one task at a time, and complete it, over`,
        `${CONNECTIONS} connections; what is taken out is put back after. Each for ${ms / 1000} s; median (range) of ${rounds} rounds.`,
        reason === null ? '' : `Not measured: ${reason}.`,
      ].join(' '),
      columns: ['workers and sets', FIGURE],
      rows: comparison.rows([FIGURE]),
      goals: SHAPES.flatMap((shape) => PHASES.map((phase) => goal(comparison, shape, phase, many))),
    };
  },
};

function goal(comparison: Comparison, shape: Shape, phase: Phase, many: number): Goal {
  return {
    text: `Time for a task, ${shape}, ${phase}, ${many.toLocaleString('en-US')} against ${FEW}`,
    value: comparison.ratio(name(shape, phase, many), name(shape, phase, FEW), FIGURE),
    goal: 2,
    atLeast: false,
  };
}

function name(shape: Shape, phase: Phase, count: number): string {
  return `${shape}, ${phase}, ${count.toLocaleString('en-US')}`;
}

/** No set runs out of tasks in one round, nor are there more with few sets than with many. */
function filled(many: number): number {
  return many * 6;
}

async function measure(
  comparison: Comparison,
  shape: Shape,
  phase: Phase,
  many: number,
  ms: number,
  rounds: number,
): Promise<void> {
  const role = new Role('throng.ts');
  const kernels: { count: number; server: KernelServer }[] = [];
  const once = ({ port }: KernelServer) =>
    phase === 'arriving'
      ? role.ask<number>('arrive', { port, inFlight: IN_FLIGHT, ms })
      : role.ask<number>('claim', { port, connections: CONNECTIONS, most: many * 4, ms });
  try {
    for (const count of [FEW, many]) {
      // Workers that do not have their turn for a while are there all the same.
      const server = await startKernel({ WORKER_HEARTBEAT_INTERVAL: '3600' });
      kernels.push({ count, server });
      await role.ask('register', { port: server.port, shape, count });
      if (phase === 'arriving') await role.ask('attend', { port: server.port });
      else await role.ask('fill', { port: server.port, count: filled(many) });
      await once(server); // Warms up.
    }
    for (let round = 1; round <= rounds; round++) {
      for (const { count, server } of rotated(kernels, round)) {
        const figure = await once(server);
        comparison.add(name(shape, phase, count), { [FIGURE]: figure });
        console.error(`  ${round}/${rounds} ${name(shape, phase, count)}: ${show(figure)} µs`);
      }
    }
  } finally {
    await role.end();
    for (const { server } of kernels) await server.stop();
  }
}
