import type { JsonObject } from '../core/json.ts';
import { LaneDirectory } from '../core/lane-directory.ts';
import type { LaneHead } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { type LaneFacts, type Lanes, laneFacts, meetLanes } from '../mind/eligibility.ts';
import { LaneView } from './lane-view.ts';

/** The queue as a batch of decisions sees it: which lanes there are, and of those that were loaded their fronts. */
export class QueueView implements Lanes {
  /** Lanes that got tasks in this batch, and how many: a waiting worker may want to look. */
  readonly stirred = new Map<string, number>();
  metIn: object | null = null;
  #directory = new LaneDirectory();
  /** Lanes that got tasks here and are not in the directory, or were not then. */
  readonly #added = new Map<string, JsonObject>();
  readonly #views = new Map<string, LaneView>();
  /** Tasks this batch queued, by lane, until that lane is loaded. */
  readonly #queuedHere = new Map<string, Map<string, Task>>();

  survey(lanes: LaneDirectory): void {
    this.#directory = lanes;
    this.metIn = meetLanes(lanes);
  }

  /** How many lanes have been looked at. */
  get viewed(): number {
    return this.#views.size;
  }

  /** A lane as far as it is known; undefined: not loaded at all. */
  lane(key: string): LaneView | undefined {
    return this.#views.get(key);
  }

  /** Every lane that may hold a task, with what it requires. */
  *lanes(): Iterable<readonly [key: string, requirements: JsonObject]> {
    for (const [key, lane] of this.#directory) yield [key, lane.requirements];
    for (const [key, requirements] of this.#added) if (!this.#directory.has(key)) yield [key, requirements];
  }

  /** How many these are at the most. */
  get laneCount(): number {
    return this.#directory.size + this.#added.size;
  }

  hasLane(key: string): boolean {
    return this.#directory.has(key) || this.#added.has(key);
  }

  /** What is known of one of these lanes. */
  facts(key: string): LaneFacts {
    return laneFacts(key, () => (this.#directory.get(key)?.requirements ?? this.#added.get(key))!);
  }

  /** Takes in the next piece of a lane. @param current what became of a task in this batch; undefined: nothing */
  extend(key: string, head: LaneHead, current: (id: string) => Task | undefined): void {
    const view = this.#view(key);
    view.extend(head, current);
    this.#settleQueuedHere(key, view);
  }

  join(task: Task): void {
    const { lane } = task;
    const stirred = this.stirred.get(lane) ?? 0;
    this.stirred.set(lane, stirred + 1);
    if (stirred === 0 && !this.hasLane(lane)) {
      this.#added.set(lane, laneFacts(lane, () => task.spec.value.requirements).requirements);
    }
    const view = this.#views.get(lane) ?? (this.#directory.has(lane) ? undefined : this.#view(lane));
    if (view?.covers(task)) view.add(task);
    else if (!view || view.more) {
      const here = this.#queuedHere.get(lane) ?? new Map<string, Task>();
      this.#queuedHere.set(lane, here);
      here.set(task.id, task);
    }
  }

  leave(task: Task): void {
    this.#views.get(task.lane)?.remove(task);
    this.#queuedHere.get(task.lane)?.delete(task.id);
  }

  /** Once a lane is known further, the tasks this batch queued may find their place in it. */
  #settleQueuedHere(key: string, view: LaneView): void {
    const here = this.#queuedHere.get(key);
    if (!here) return;
    for (const [id, task] of here) {
      if (!view.covers(task)) continue;
      view.add(task);
      here.delete(id);
    }
  }

  #view(key: string): LaneView {
    let view = this.#views.get(key);
    if (!view) {
      view = new LaneView();
      // A lane the store knows nothing of is empty there: no need to load it.
      if (!this.#directory.has(key)) view.extend({ tasks: [], more: false }, () => undefined);
      this.#views.set(key, view);
    }
    return view;
  }
}
