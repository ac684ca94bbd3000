/** What P2 and P3 have in common: hand in many tasks, run many tasks, do both at once. */
import { type Comparison, type Figures, inTurns } from '../lib/compare.ts';
import { Hive } from '../lib/hive.ts';
import type { Report, Settings } from '../lib/report.ts';
import { bullmq } from '../peers/bullmq.ts';
import { colony } from '../peers/colony.ts';
import { colonyOnRedis } from '../peers/colony-on-redis.ts';
import type { Peer } from '../peers/peer.ts';

export interface Shape {
  /** How many tasks one call hands in. */
  readonly batch: number;
  /** How many calls are under way. */
  readonly inFlight: number;
}

const ALWAYS = bullmq('always');
const EVERYSEC = bullmq('everysec');
const ON_REDIS = { always: colonyOnRedis('always'), everysec: colonyOnRedis('everysec') };
const FIGURES = ['submit alone /s', 'run alone /s', 'both at once /s'] as const;
const BOTH = FIGURES[2];

export async function throughput(
  shape: Shape,
  { quick, rounds }: Settings,
  goals: { always: number; everysec: number },
): Promise<Report> {
  const count = quick ? 4_000 : 20_000;
  const { comparison, missing } = await inTurns(
    [colony, ON_REDIS.always, ALWAYS, ON_REDIS.everysec, EVERYSEC],
    rounds,
    (peer) => once(peer, shape, count),
  );
  return {
    how: [
      `${count.toLocaleString('en-US')} tasks of about 200 bytes, ${shape.batch} a call, ${shape.inFlight} calls in flight,`,
      `one worker with 64 slots, median (range) of ${rounds} rounds.`,
      ...missing,
    ].join(' '),
    columns: ['', ...FIGURES],
    rows: comparison.rows(FIGURES),
    goals: [
      goal(comparison, colony, ALWAYS, goals.always),
      goal(comparison, colony, EVERYSEC, goals.everysec),
      // On the same server with the same settings; a kernel stands in between.
      goal(comparison, ON_REDIS.always, ALWAYS, 1),
      goal(comparison, ON_REDIS.everysec, EVERYSEC, 1),
    ],
  };
}

function goal(comparison: Comparison, ours: Peer, peer: Peer, least: number) {
  const value = comparison.ratio(ours.name, peer.name, BOTH);
  return { text: `Both at once, ${ours.name} against ${peer.name}`, value, goal: least, atLeast: true };
}

async function once(peer: Peer, shape: Shape, count: number): Promise<Figures> {
  const hive = await Hive.open(peer);
  try {
    await bothAtOnce(hive, shape, 2_000); // Warms up all three processes.
    const submitted = await hive.submit(count, shape);
    const alone = await (await hive.run(count)).report;
    return {
      [FIGURES[0]]: rate(count, submitted.startedAt, submitted.endedAt),
      [FIGURES[1]]: rate(count, alone.startedAt, alone.endedAt),
      [BOTH]: await bothAtOnce(hive, shape, count),
    };
  } finally {
    await hive.close();
  }
}

async function bothAtOnce(hive: Hive, shape: Shape, count: number): Promise<number> {
  const running = await hive.run(count);
  const { startedAt } = await hive.submit(count, shape);
  const { endedAt } = await running.report;
  return rate(count, startedAt, endedAt);
}

function rate(count: number, startedAt: number, endedAt: number): number {
  return (count * 1000) / (endedAt - startedAt);
}
