import type { JsonObject } from '../core/json.ts';
import { groupOf, laneOfLevel, levelOf } from '../core/lane.ts';
import { LaneDirectory } from '../core/lane-directory.ts';
import type { LaneHead } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import type { Worker, WorkerProfile } from '../core/worker.ts';
import { PRIORITIES } from '../mind/aging.ts';
import { type LaneFacts, type Lanes, laneFacts, lanesFor, meetLanes } from '../mind/eligibility.ts';
import { Heads } from './heads.ts';
import { LaneView } from './lane-view.ts';
import { Ranked } from './ranked.ts';

/** One priority of a lane; or without one all of a lane. */
export interface Level {
  readonly priority: number | undefined;
  /** Undefined: not loaded at all. */
  readonly view: LaneView | undefined;
}

/** The lanes that a worker may take from, while there were those. */
interface LanesOfOne {
  readonly id: string;
  readonly worker: WorkerProfile;
  readonly directory: LaneDirectory;
  readonly at: string;
  readonly lanes: readonly LaneFacts[];
}

/** The queue as a batch of decisions sees it: which lanes there are, and of those that were loaded their fronts. */
export class QueueView implements Lanes {
  /** Lanes that got tasks in this batch, and how many: a waiting worker may want to look. */
  readonly stirred = new Map<string, number>();
  metIn: object | null = null;
  /** Each priority of a lane is looked at by itself. */
  readonly inLevels: boolean;
  #directory = new LaneDirectory();
  /** Lanes that got tasks here and are not in the directory, or were not then. */
  readonly #added = new Map<string, JsonObject>();
  #hasGroups = false;
  /** By lane or, where tasks age, by level. */
  readonly #views = new Map<string, LaneView>();
  /** Tasks this batch queued, until what they belong to is loaded. */
  readonly #queuedHere = new Map<string, Ranked>();
  /** By lane, where tasks age: those that may hold something. Of all eleven it is seldom more than one. */
  readonly #levels = new Map<string, readonly Level[]>();
  readonly #heads = new Heads();
  /** Lanes in which something else may come first than what the heads say: few ever ask for them. */
  readonly #shifted = new Set<string>();
  #lastLanes: LanesOfOne | null = null;
  /** Lanes of which it is not known what comes first in them; null: nobody has asked yet. */
  #unseen: Set<string> | null = null;

  constructor(inLevels: boolean) {
    this.inLevels = inLevels;
  }

  survey(lanes: LaneDirectory): void {
    this.#directory = lanes;
    this.metIn = meetLanes(lanes);
    this.#unseen = null;
  }

  /** How many lanes have been looked at, about. */
  get viewed(): number {
    return this.inLevels ? Math.ceil(this.#views.size / PRIORITIES.length) : this.#views.size;
  }

  /** A lane, or where tasks age a level of one, as far as it is known; undefined: not loaded at all. */
  lane(key: string): LaneView | undefined {
    return this.#views.get(key);
  }

  /** A lane, in levels if it is looked at in levels: those that may hold something. */
  levels(lane: string): readonly Level[] {
    if (!this.inLevels) return [{ priority: undefined, view: this.#views.get(lane) }];
    let levels = this.#levels.get(lane);
    if (!levels) {
      const all = PRIORITIES.map((priority) => ({ priority, view: this.#views.get(levelOf(lane, priority)) }));
      levels = all.filter(({ view }) => !view || view.length > 0 || view.more);
      this.#levels.set(lane, levels);
    }
    return levels;
  }

  /** Tasks are served in the order of their ranks, whatever lanes they are in: no groups take turns, and nothing ages. */
  get isPlain(): boolean {
    return !this.inLevels && !this.hasGroups;
  }

  /** Whether groups take turns. */
  get hasGroups(): boolean {
    return this.#hasGroups || this.#directory.hasGroups;
  }

  /** The lanes of which it is known what comes first in them, in the order of these tasks. */
  inOrder(): Iterable<string> {
    this.#followShifted();
    return this.#heads.lanes();
  }

  /** All others that may hold tasks. */
  *unseen(): Iterable<string> {
    this.#followShifted();
    if (!this.#unseen) {
      const isUnseen = (key: string) => this.#isUnseen(this.#views.get(key));
      this.#unseen = new Set([...this.#directory.keys(), ...this.#added.keys()].filter(isUnseen));
    }
    for (const key of this.#unseen) if (this.mayHold(key)) yield key;
  }

  /** Whether there may be a task in a lane: what the store says of that changes with each commit, be it of batches before. */
  mayHold(key: string): boolean {
    return this.hasLane(key) || this.#anyOf(key) !== undefined;
  }

  #anyOf(lane: string): Task | undefined {
    for (const key of this.inLevels ? PRIORITIES.map((priority) => levelOf(lane, priority)) : [lane]) {
      const task = this.#views.get(key)?.at(0) ?? this.#queuedHere.get(key)?.at(0);
      if (task) return task;
    }
    return undefined;
  }

  #isUnseen(view: LaneView | undefined): boolean {
    return !view || (view.length === 0 && view.more);
  }

  /** Every lane that may hold a task, with what it requires. */
  *lanes(): Iterable<readonly [key: string, requirements: JsonObject]> {
    for (const [key, lane] of this.#directory) yield [key, lane.requirements];
    for (const [key, requirements] of this.#added) if (!this.#directory.has(key)) yield [key, requirements];
  }

  /** Those of them that a worker may take from. Whoever asks does so several times over for one claim. */
  lanesFor(worker: Worker): readonly LaneFacts[] {
    const directory = this.#directory;
    const at = `${directory.revision} ${this.#added.size}`;
    const last = this.#lastLanes;
    if (last?.worker === worker.profile && last.id === worker.id && last.directory === directory && last.at === at) {
      return last.lanes;
    }
    const lanes = lanesFor(worker, this);
    this.#lastLanes = { worker: worker.profile, id: worker.id, directory, at, lanes };
    return lanes;
  }

  /** How many these are at the most. */
  get laneCount(): number {
    return this.#directory.size + this.#added.size;
  }

  hasLane(key: string): boolean {
    return this.#directory.has(key) || this.#added.has(key);
  }

  /** What is known of one that may hold a task. */
  facts(key: string): LaneFacts {
    return laneFacts(
      key,
      () => this.#directory.get(key)?.requirements ?? this.#added.get(key) ?? this.#anyOf(key)!.spec.value.requirements,
    );
  }

  /** Takes in the next piece of a lane, or level. @param current what became of a task in this batch; undefined: nothing */
  extend(key: string, head: LaneHead, current: (id: string) => Task | undefined): void {
    const view = this.#view(key);
    view.extend(head, current);
    this.#settleQueuedHere(key, view);
    this.#shift(key);
  }

  join(task: Task): void {
    const { lane } = task;
    const stirred = this.stirred.get(lane) ?? 0;
    this.stirred.set(lane, stirred + 1);
    if (stirred === 0 && !this.hasLane(lane)) {
      this.#added.set(lane, laneFacts(lane, () => task.spec.value.requirements).requirements);
    }
    if (stirred === 0) this.#hasGroups ||= groupOf(lane) !== null;
    const key = this.#keyOf(task);
    const view = this.#views.get(key) ?? (this.#directory.has(lane) ? undefined : this.#view(key));
    if (view?.covers(task)) {
      view.add(task);
      this.#shift(key);
    } else if (!view || view.more) {
      const here = this.#queuedHere.get(key) ?? new Ranked();
      this.#queuedHere.set(key, here);
      here.add(task);
    }
  }

  leave(task: Task): void {
    const key = this.#keyOf(task);
    this.#queuedHere.get(key)?.remove(task);
    const view = this.#views.get(key);
    if (!view) return;
    view.remove(task);
    this.#shift(key);
  }

  #keyOf({ lane, priority }: Task): string {
    return this.inLevels ? levelOf(lane, priority) : lane;
  }

  /** What comes first in it may be something else now. */
  #shift(key: string): void {
    if (this.inLevels) this.#levels.delete(laneOfLevel(key));
    else this.#shifted.add(key);
  }

  #followShifted(): void {
    for (const key of this.#shifted) {
      const view = this.#views.get(key)!;
      this.#heads.set(key, view.at(0));
      if (this.#isUnseen(view)) this.#unseen?.add(key);
      else this.#unseen?.delete(key);
    }
    this.#shifted.clear();
  }

  /** Once a lane is known further, the tasks this batch queued may find their place in it. */
  #settleQueuedHere(key: string, view: LaneView): void {
    const here = this.#queuedHere.get(key);
    for (let task = here?.at(0); task && view.covers(task); task = here!.at(0)) {
      view.add(task);
      here!.remove(task);
    }
  }

  #view(key: string): LaneView {
    let view = this.#views.get(key);
    if (!view) {
      view = new LaneView();
      // A lane the store knows nothing of is empty there: no need to load it.
      if (!this.#directory.has(laneOfLevel(key))) view.extend({ tasks: [], more: false }, () => undefined);
      this.#views.set(key, view);
    }
    return view;
  }
}
