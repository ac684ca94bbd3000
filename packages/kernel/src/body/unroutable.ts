import type { Now } from '../core/clock.ts';
import type { MarkUnroutable } from '../core/command.ts';
import type { Lane, Store } from '../core/store.ts';
import type { Worker } from '../core/worker.ts';
import { inWords, read } from '../mind/asked.ts';
import { eligibility, laneFacts } from '../mind/eligibility.ts';
import { unroutableAt } from './told.ts';

/** Nobody is told that nobody can do it before this is over: the workers may come a moment after the tasks. */
const GRACE_MS = 2000;
/** So many tasks of a lane are told of, those that would be served first. */
const MOST_OF_A_LANE = 100;
const LANES_AT_ONCE = 10;
const MARKS_AT_ONCE = 100;
/** So many times in one look a worker is held against a lane: each of them once, however long it takes. */
const PAIRS_AT_ONCE = 20_000;

/** What is known of a lane that holds tasks. */
interface Watched {
  readonly lane: Lane;
  /** A worker that could take its tasks; null: of those looked at nobody could. */
  witness: string | null;
  /** How many of the workers were looked at, in the order in which they came. */
  looked: number;
  /** Wall time since which nobody can: when the last who could was found to have gone; 0: ever since we know. */
  since: number;
  /** The steady time of that, or of when the lane was first seen. */
  from: number;
  /** Steady time at which its tasks were last looked at. */
  tasksAt: number;
}

/**
 * Finds the queued tasks that no registered worker could ever take, be it online or not. A lane for which there is one costs no more
 * than to see that this worker is still there; and a worker is held against a lane once, since neither ever changes.
 * What it remembers is no more than a saving of work, and of words: a task knows that it was told of.
 */
export class Unroutable {
  readonly #store: Store;
  readonly #lanes = new Map<string, Watched>();
  /** The ids of the workers in the order in which they were first seen; those of some that have gone among them. */
  #arrivals: string[] = [];
  #known = new Set<string>();
  /** The latest wall time there was: clocks are put back, and what comes later must count as later. */
  #latest = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What is to be told now. */
  async look(workers: readonly Worker[], now: Now): Promise<MarkUnroutable[]> {
    const { lanes } = await this.#store.survey();
    const wall = Math.max(now.wall, this.#latest + 1);
    this.#latest = wall;
    for (const key of this.#lanes.keys()) if (!lanes.has(key)) this.#lanes.delete(key);
    if (lanes.size === 0) return [];
    const present = new Map(workers.map((worker) => [worker.id, worker]));
    this.#welcome(present);
    const lost: Watched[] = [];
    let pairs = PAIRS_AT_ONCE;
    for (const lane of lanes.values()) {
      const watched = this.#watch(lane, now);
      pairs -= this.#findWitness(watched, present, { ...now, wall }, pairs);
      const isCertain = watched.witness === null && watched.looked === this.#arrivals.length;
      if (isCertain && now.steady - watched.from >= GRACE_MS) lost.push(watched);
    }
    return lost.length === 0 ? [] : this.#marks(lost, now);
  }

  #watch(lane: Lane, now: Now): Watched {
    let watched = this.#lanes.get(lane.key);
    if (!watched) {
      watched = { lane, witness: null, looked: 0, since: 0, from: now.steady, tasksAt: Number.NEGATIVE_INFINITY };
      this.#lanes.set(lane.key, watched);
    }
    return watched;
  }

  /** Answers how many workers it looked at, at most `limit`. */
  #findWitness(watched: Watched, present: ReadonlyMap<string, Worker>, now: Now, limit: number): number {
    if (watched.witness !== null) {
      if (present.has(watched.witness)) return 0;
      Object.assign(watched, { witness: null, since: now.wall, from: now.steady });
    }
    const { key, requirements } = watched.lane;
    const facts = laneFacts(key, requirements);
    const end = Math.min(this.#arrivals.length, watched.looked + limit);
    const begin = watched.looked;
    while (watched.looked < end && watched.witness === null) {
      const worker = present.get(this.#arrivals[watched.looked++]!);
      if (worker && eligibility(worker, facts) > 0) watched.witness = worker.id;
    }
    return watched.looked - begin;
  }

  #welcome(present: ReadonlyMap<string, Worker>): void {
    for (const id of present.keys()) {
      if (this.#known.has(id)) continue;
      this.#known.add(id);
      this.#arrivals.push(id);
    }
    if (this.#arrivals.length > 2 * present.size + 1000) this.#forgetGone(present);
  }

  /** What each lane has looked at it goes on having looked at. */
  #forgetGone(present: ReadonlyMap<string, Worker>): void {
    const stayed = [0];
    for (const id of this.#arrivals) stayed.push(stayed.at(-1)! + Number(present.has(id)));
    for (const watched of this.#lanes.values()) watched.looked = stayed[watched.looked]!;
    this.#arrivals = this.#arrivals.filter((id) => present.has(id));
    this.#known = new Set(this.#arrivals);
  }

  /** Looks at the tasks of some of these lanes, those whose turn it is. */
  async #marks(lost: readonly Watched[], now: Now): Promise<MarkUnroutable[]> {
    const turns = [...lost].sort((a, b) => a.tasksAt - b.tasksAt).slice(0, LANES_AT_ONCE);
    const needs = turns.map(({ lane }) => ({ lane: lane.key, after: null, limit: MOST_OF_A_LANE }));
    const { lanes: heads } = await this.#store.load({ lanes: needs });
    const marks: MarkUnroutable[] = [];
    const mark = { kind: 'mark_unroutable', actor: 'kernel' } as const;
    for (const watched of turns) {
      const { lane, since } = watched;
      const untold = heads.get(lane.key)!.tasks.filter((task) => (unroutableAt(task) ?? -1) < since);
      const reason = `no registered worker can do this; it needs ${inWords(read(lane.requirements))}`;
      marks.push(...untold.map(({ id: taskId }) => ({ ...mark, taskId, reason, since })));
      // What does not fit in comes first the next time.
      if (marks.length <= MARKS_AT_ONCE) watched.tasksAt = now.steady;
    }
    return marks.slice(0, MARKS_AT_ONCE);
  }
}
