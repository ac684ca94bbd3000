import { freeSlots, type Worker } from '../core/worker.ts';
import { read } from './asked.ts';
import { eligibility, type LaneFacts } from './eligibility.ts';
import { hindrances, unmet } from './reasons.ts';
import type { Contender, Scored, Scores } from './scoring.ts';

/** So many are named; how many there are in all is told. */
const MOST_NAMED = 100;

/** One worker as a task sees it. */
export interface Candidate {
  readonly workerId: string;
  readonly name: string;
  /** It could be given the task right away, if it asked for work. */
  readonly eligible: boolean;
  /** What is against it, in words. */
  readonly reasons: readonly string[];
  /** How well it suits, and what that is made of; null: not at all. */
  readonly score: number | null;
  readonly scores: Scores;
}

/** All registered workers as a task sees them. */
export interface Field {
  /** How many there are. */
  readonly total: number;
  /** How many of them meet the requirements; of those, how many are there and take work; of those, … */
  readonly capable: number;
  readonly able: number;
  readonly free: number;
  readonly asking: number;
  /** Why those that are capable and not able are not. One may be counted more than once. */
  readonly kept: { readonly offline: number; readonly draining: number; readonly quarantined: number };
  /** The best first. */
  readonly candidates: readonly Candidate[];
}

export interface FieldOptions {
  readonly workers: readonly Worker[];
  /** How long a worker has waited for work; null: it does not ask for any. */
  readonly waitedMs: (workerId: string) => number | null;
  /** Weighs some against each other. */
  readonly weigh: (contenders: readonly Contender[]) => readonly Scored[];
  /** So many are weighed when it is decided: those who have waited longest. */
  readonly mostWeighed: number;
}

/** How near a worker is to getting the task: the nearest first. */
const ASKING = 0;
/** It asks as well, and so many others have done so for longer that it is not looked at. */
const BEHIND = 1;
const FREE = 2;
const BUSY = 3;
const KEPT = 4;
const UNFIT = 5;

interface Seen {
  readonly worker: Worker;
  nearness: number;
  readonly waitedMs: number;
}

export function fieldOf(lane: LaneFacts, { workers, waitedMs, weigh, mostWeighed }: FieldOptions): Field {
  const asked = read(lane.requirements);
  const seen = workers.map((worker): Seen => {
    const waited = waitedMs(worker.id);
    return { worker, nearness: nearnessOf(worker, lane, waited !== null), waitedMs: waited ?? 0 };
  });
  const line = seen.filter(({ nearness }) => nearness === ASKING).sort((a, b) => b.waitedMs - a.waitedMs);
  for (const one of line.slice(mostWeighed)) one.nearness = BEHIND;
  // First all as if any could have it; then those among whom it is decided, as it would be.
  const scores = new Map<string, Scored>();
  const contenders = [seen.filter(({ nearness }) => nearness < UNFIT), line.slice(0, mostWeighed)];
  for (const those of contenders) {
    for (const scored of weigh(those.map(({ worker, waitedMs }) => ({ worker, waitedMs, taken: 0 })))) {
      scores.set(scored.worker.id, scored);
    }
  }
  const scoreOf = ({ worker }: Seen) => scores.get(worker.id)?.score ?? 0;
  const kept = seen.filter(({ nearness }) => nearness === KEPT).map(({ worker }) => worker);
  const upTo = (nearness: number) => seen.filter((one) => one.nearness <= nearness).length;
  return {
    total: workers.length,
    capable: upTo(KEPT),
    able: upTo(BUSY),
    free: upTo(FREE),
    asking: upTo(BEHIND),
    kept: {
      offline: kept.filter(({ offline }) => offline).length,
      draining: kept.filter(({ draining }) => draining).length,
      quarantined: kept.filter(isQuarantined).length,
    },
    candidates: seen
      .sort((a, b) => a.nearness - b.nearness || scoreOf(b) - scoreOf(a))
      .slice(0, MOST_NAMED)
      .map(({ worker, nearness }) => ({
        workerId: worker.id,
        name: worker.profile.name,
        eligible: nearness <= FREE,
        reasons: [
          ...(nearness === UNFIT ? unmet(worker, asked) : []),
          ...hindrances(worker),
          ...(nearness === FREE ? ['is not asking for work'] : []),
        ],
        score: scores.get(worker.id)?.score ?? null,
        scores: scores.get(worker.id)?.scores ?? {},
      })),
  };
}

function nearnessOf(worker: Worker, lane: LaneFacts, asks: boolean): number {
  if (eligibility(worker, lane) === 0) return UNFIT;
  if (worker.offline || worker.draining || isQuarantined(worker)) return KEPT;
  if (freeSlots(worker) === 0) return BUSY;
  return asks ? ASKING : FREE;
}

function isQuarantined({ quarantine }: Worker): boolean {
  return quarantine !== null && !quarantine.onTrial;
}
