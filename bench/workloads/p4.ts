import { type Comparison, type Figures, inTurns } from '../lib/compare.ts';
import { Hive } from '../lib/hive.ts';
import type { Workload } from '../lib/report.ts';
import { quantile } from '../lib/stats.ts';
import { bullmq } from '../peers/bullmq.ts';
import { colony } from '../peers/colony.ts';
import type { Peer } from '../peers/peer.ts';

const PER_SECOND = 500;
/** The first tasks of all: connections are made, code is compiled. They are not counted. */
const WARM_UP = 1000;
const FIGURES = ['p50 ms', 'p99 ms'] as const;
const ALWAYS = bullmq('always');
const EVERYSEC = bullmq('everysec');

/** How long a task takes from the submitter's call to the worker's handler, when nothing is busy. */
export const p4: Workload = {
  id: 'p4',
  title: 'P4: from submit to start',
  async run({ quick, rounds }) {
    const count = PER_SECOND * (quick ? 3 : 10);
    const { comparison, missing } = await inTurns([colony, ALWAYS, EVERYSEC], rounds, (peer) => once(peer, count));
    return {
      how: [
        `${PER_SECOND} tasks a second offered evenly for ${count / PER_SECOND} s, from the call in the submitter's process to`,
        `the handler in the worker's, after ${WARM_UP / PER_SECOND} s that are not counted; median (range) of ${rounds} rounds.`,
        ...missing,
      ].join(' '),
      columns: ['', ...FIGURES],
      rows: comparison.rows(FIGURES),
      goals: [goal(comparison, ALWAYS), goal(comparison, EVERYSEC)],
    };
  },
};

function goal(comparison: Comparison, peer: Peer) {
  const value = comparison.ratio(colony.name, peer.name, 'p99 ms');
  return { text: `p99, against ${peer.name}`, value, goal: 1, atLeast: false };
}

async function once(peer: Peer, count: number): Promise<Figures> {
  const hive = await Hive.open(peer);
  try {
    const running = await hive.run(WARM_UP + count);
    await hive.offer(PER_SECOND, WARM_UP + count);
    const waits = (await running.report).waits.slice(WARM_UP);
    return { [FIGURES[0]]: quantile(waits, 0.5), [FIGURES[1]]: quantile(waits, 0.99) };
  } finally {
    await hive.close();
  }
}
