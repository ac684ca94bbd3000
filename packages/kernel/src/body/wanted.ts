import { levelOf } from '../core/lane.ts';
import { planFrom, planName, planTasksName, unfinishedOf } from '../core/plan.ts';
import type { LaneNeed, Needs } from '../core/store.ts';
import { voteName } from '../core/vote.ts';
import type { Slice } from './slice.ts';

/** What will run out again is set aside or loaded for the batches to come as well, if the slice is kept. */
const SEQUENCES_AHEAD = 1000;
/** Over all lanes; each of them may be as large as a request. */
const TASKS_AHEAD = 128;

/**
 * Collects what a command still needs to know before it can be decided. A command's `needs` is asked again until
 * nothing is missing: what is loaded first tells what to load next (a worker, then what it holds, then who depends
 * on that). Closures grow a layer each time.
 */
export class Wanted {
  readonly #slice: Slice;
  readonly #tasks = new Set<string>();
  readonly #workers = new Set<string>();
  readonly #idempotency = new Set<string>();
  readonly #documents = new Set<string>();
  readonly #dependents = new Set<string>();
  readonly #allDependents = new Set<string>();
  readonly #allDescendants = new Set<string>();
  readonly #unfinished = new Set<string>();
  readonly #portions = new Map<string, number>();
  /** By their plan. */
  readonly #outsiders = new Map<string, Set<string>>();
  readonly #lanes = new Map<string, LaneNeed>();
  readonly #pools = new Set<string>();
  #sequences = 0;

  constructor(slice: Slice) {
    this.#slice = slice;
  }

  /** Nothing is missing. */
  get complete(): boolean {
    return (
      this.#tasks.size === 0 &&
      this.#workers.size === 0 &&
      this.#idempotency.size === 0 &&
      this.#documents.size === 0 &&
      this.#dependents.size === 0 &&
      this.#allDependents.size === 0 &&
      this.#allDescendants.size === 0 &&
      this.#unfinished.size === 0 &&
      this.#outsiders.size === 0 &&
      this.#portions.size === 0 &&
      this.#lanes.size === 0 &&
      this.#pools.size === 0 &&
      this.#sequences === 0
    );
  }

  task(id: string): boolean {
    return this.#slice.hasTask(id) || note(this.#tasks, id);
  }

  worker(id: string): boolean {
    return this.#slice.hasWorker(id) || note(this.#workers, id);
  }

  idempotency(key: string): boolean {
    return this.#slice.hasIdempotency(key) || note(this.#idempotency, key);
  }

  /** By its name: see `nameOf`. */
  document(name: string): boolean {
    return this.#slice.hasDocument(name) || note(this.#documents, name);
  }

  /** The next of those that depend on a task, behind a sequence number. */
  portion(taskId: string, after: number): boolean {
    if (this.#slice.hasDependents(taskId) || this.#slice.portions.has(taskId, after)) return true;
    this.#portions.set(taskId, after);
    return false;
  }

  dependents(taskId: string): boolean {
    return this.#slice.hasDependents(taskId) || note(this.#dependents, taskId);
  }

  /** Everything that would fall with this task: its dependents, theirs, and so on. */
  allDependents(taskId: string): boolean {
    return this.#slice.hasAllDependents(taskId) || note(this.#allDependents, taskId);
  }

  /**
   * The task, everything that falls with it, and the votes that some of that waits for; the plans that this means the end
   * of, with what they then call off, and the workers that hold some of that.
   */
  fall(taskId: string): boolean {
    return this.fallOfAll([taskId]);
  }

  /** The same of what is left of a plan, as much as is called off at once, with those outside of it that fall with that. */
  fallOfPlan(plan: string): boolean {
    const fallen = new Set<string>();
    return this.document(planName(plan)) && this.#rest(plan, fallen) && this.#consequences(fallen, plan);
  }

  fallOfAll(ids: readonly string[]): boolean {
    let isKnown = true;
    for (const id of ids) isKnown = this.task(id) && this.allDependents(id) && isKnown;
    return isKnown && this.#consequences(new Set(ids));
  }

  /** @param calledOff the plan that all this begins with, if it is one */
  #consequences(fallen: Set<string>, calledOff: string | null = null): boolean {
    let isKnown = true;
    const plans = new Map<string, number>();
    for (const id of fallen) {
      const { pendingReason, vote, status, worker, plan } = this.#slice.liveTask(id);
      if (pendingReason === 'approval' && vote !== null) isKnown = this.document(voteName(vote)) && isKnown;
      if (status === 'executing') isKnown = this.worker(worker!) && isKnown;
      if (plan !== null) {
        if (!plans.has(plan) && plan !== calledOff) isKnown = this.#calledOffWith(plan, fallen) && isKnown;
        plans.set(plan, (plans.get(plan) ?? 0) + 1);
      }
      if (!this.#slice.hasDependents(id)) continue;
      for (const dependent of this.#slice.dependentsOf(id)) fallen.add(dependent.id);
    }
    // And the one whose completion brings all this about.
    for (const [plan, ended] of plans) isKnown = this.planEnd(plan, ended + 1) && isKnown;
    return isKnown;
  }

  /** What a plan calls off once a task of it has failed joins what falls. */
  #calledOffWith(id: string, fallen: Set<string>): boolean {
    if (!this.document(planName(id))) return false;
    const document = this.#slice.document(planName(id));
    if (!document) return true;
    const { onFailure, ending } = planFrom(document);
    return onFailure !== 'stop' || ending !== undefined || this.#rest(id, fallen);
  }

  /** What is left of a plan, as much as is called off at once, and those who wait for that outside of it, join what falls. */
  #rest(plan: string, fallen: Set<string>): boolean {
    if (!this.unfinished(plan)) return false;
    let isKnown = true;
    for (const task of this.#slice.unfinishedOf(plan)) {
      fallen.add(task.id);
      if (!this.#outsidersOf(plan, task.id)) {
        isKnown = false;
        continue;
      }
      for (const { id } of this.#slice.outsidersOf(task)) {
        fallen.add(id);
        isKnown = this.allDependents(id) && isKnown;
      }
    }
    return isKnown;
  }

  #outsidersOf(plan: string, id: string): boolean {
    if (this.#slice.hasOutsiders(id)) return true;
    const ids = this.#outsiders.get(plan);
    if (ids) ids.add(id);
    else this.#outsiders.set(plan, new Set([id]));
    return false;
  }

  /** What is needed to count `ended` tasks of a plan as ended: all of it, where these may be the last. */
  planEnd(id: string, ended: number): boolean {
    if (!this.document(planName(id))) return false;
    const document = this.#slice.document(planName(id));
    if (!document) return true;
    const isLast = document.endedAt !== null || unfinishedOf(planFrom(document)) <= ended;
    return !isLast || this.document(planTasksName(id));
  }

  unfinished(plan: string): boolean {
    return this.#slice.hasUnfinished(plan) || note(this.#unfinished, plan);
  }

  /** The task's children, theirs, and so on. */
  allDescendants(taskId: string): boolean {
    return this.#slice.hasAllDescendants(taskId) || note(this.#allDescendants, taskId);
  }

  /** At least `count` tasks of a lane, or of one priority in it, or all there are. What several commands want of one adds up. */
  lane(lane: string, count: number, priority?: number): void {
    const key = priority === undefined ? lane : levelOf(lane, priority);
    const view = this.#slice.queue.lane(key);
    if (view && (view.length >= count || !view.more)) return;
    const already = this.#lanes.get(key)?.limit ?? 0;
    const limit = already + count - (view?.length ?? 0);
    this.#lanes.set(key, {
      lane,
      ...(priority === undefined ? {} : { priority }),
      after: view?.horizon ?? null,
      limit,
    });
  }

  /** How many tasks of a pool are executing. */
  pool(name: string): boolean {
    return this.#slice.headroom.hasPool(name) || note(this.#pools, name);
  }

  sequences(count: number): void {
    if (this.#slice.sequences.left < count) this.#sequences += count;
  }

  /** What was noted down, to be loaded; from then on nothing is. */
  take(): Needs {
    const { isKept } = this.#slice;
    const tasksAhead = isKept ? Math.floor(TASKS_AHEAD / this.#lanes.size) : 0;
    const needs = {
      tasks: [...this.#tasks],
      workers: [...this.#workers],
      idempotency: [...this.#idempotency],
      documents: [...this.#documents],
      dependents: [...this.#dependents],
      allDependents: [...this.#allDependents],
      allDescendants: [...this.#allDescendants],
      unfinished: [...this.#unfinished],
      portions: Array.from(this.#portions, ([id, after]) => ({ id, after })),
      outsiders: Array.from(this.#outsiders, ([plan, ids]) => ({ plan, ids: [...ids] })),
      lanes: [...this.#lanes.values()].map((need) => ({
        ...need,
        limit: Math.max(need.limit, tasksAhead),
      })),
      pools: [...this.#pools],
      sequences: this.#sequences > 0 && isKept ? Math.max(this.#sequences, SEQUENCES_AHEAD) : this.#sequences,
    };
    for (const noted of [this.#tasks, this.#workers, this.#idempotency, this.#documents, this.#lanes]) noted.clear();
    this.#pools.clear();
    this.#outsiders.clear();
    this.#portions.clear();
    for (const noted of [this.#dependents, this.#allDependents, this.#allDescendants, this.#unfinished]) noted.clear();
    this.#sequences = 0;
    return needs;
  }
}

function note(missing: Set<string>, key: string): false {
  missing.add(key);
  return false;
}
