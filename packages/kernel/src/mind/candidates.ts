import type { JsonObject } from '../core/json.ts';
import { freeSlots, type Worker } from '../core/worker.ts';
import { read } from './asked.ts';
import { matches } from './matching.ts';
import { hindrances, unmet } from './reasons.ts';

/** So many are named; how many there are in all is told. */
const MOST_NAMED = 100;

/** How well a worker suits a task, and what that is made of; null: it was not looked at. */
export interface Score {
  readonly score: number | null;
  readonly scores: Readonly<Record<string, number>>;
}

/** One worker as a task sees it. */
export interface Candidate extends Score {
  readonly workerId: string;
  /** Null: it is not registered any more. */
  readonly name: string | null;
  /** It could be given the task right away, if it asked for work. */
  readonly eligible: boolean;
  /** What is against it, in words. */
  readonly reasons: readonly string[];
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
  /** Whether it has asked for work and waits. */
  readonly isAsking: (workerId: string) => boolean;
  readonly scoreOf: (worker: Worker) => Score;
}

/** How near a worker is to getting the task: the nearest first. */
const ASKING = 0;
const FREE = 1;
const BUSY = 2;
const KEPT = 3;
const UNFIT = 4;

const UNSCORED: Score = { score: null, scores: {} };

export function fieldOf(requirements: JsonObject, { workers, isAsking, scoreOf }: FieldOptions): Field {
  const asked = read(requirements);
  const seen = workers.map((worker) => {
    const nearness = nearnessOf(worker, requirements, isAsking);
    return { worker, nearness, ...(nearness === UNFIT ? UNSCORED : scoreOf(worker)) };
  });
  const upTo = (nearness: number) => seen.filter((one) => one.nearness <= nearness).length;
  const kept = seen.filter(({ nearness }) => nearness === KEPT).map(({ worker }) => worker);
  return {
    total: workers.length,
    capable: upTo(KEPT),
    able: upTo(BUSY),
    free: upTo(FREE),
    asking: upTo(ASKING),
    kept: {
      offline: kept.filter(({ offline }) => offline).length,
      draining: kept.filter(({ draining }) => draining).length,
      quarantined: kept.filter((worker) => isQuarantined(worker)).length,
    },
    candidates: seen
      .sort((a, b) => a.nearness - b.nearness || (b.score ?? 0) - (a.score ?? 0))
      .slice(0, MOST_NAMED)
      .map(({ worker, nearness, score, scores }) => ({
        workerId: worker.id,
        name: worker.profile.name,
        eligible: nearness <= FREE,
        reasons: [
          ...(nearness === UNFIT ? unmet(worker, asked) : []),
          ...hindrances(worker),
          ...(nearness === FREE ? ['is not asking for work'] : []),
        ],
        ...{ score, scores },
      })),
  };
}

function nearnessOf(worker: Worker, requirements: JsonObject, isAsking: (workerId: string) => boolean): number {
  if (!matches(worker, requirements)) return UNFIT;
  if (worker.offline || worker.draining || isQuarantined(worker)) return KEPT;
  if (freeSlots(worker) === 0) return BUSY;
  return isAsking(worker.id) ? ASKING : FREE;
}

function isQuarantined({ quarantine }: Worker): boolean {
  return quarantine !== null && !quarantine.onTrial;
}
