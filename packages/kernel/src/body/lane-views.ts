import { laneOfLevel, levelOf } from '../core/lane.ts';
import type { LaneHead } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { LaneView } from './lane-view.ts';

/** The lanes of the queue, or their levels, as a batch of decisions sees them, each as far as it was loaded. */
export class LaneViews {
  readonly #views = new Map<string, LaneView>();
  /** Tasks this batch queued, by lane, until that lane is loaded. */
  readonly #queuedHere = new Map<string, Map<string, Task>>();
  readonly #isStored: (lane: string) => boolean;
  readonly #keyOf: (task: Task) => string;

  /**
   * @param isStored whether the store may hold something of a lane: else it is empty there, and need not be loaded
   * @param inLevels each priority of a lane is looked at by itself
   */
  constructor(isStored: (lane: string) => boolean, inLevels: boolean) {
    this.#isStored = (key) => isStored(laneOfLevel(key));
    this.#keyOf = inLevels ? ({ lane, priority }) => levelOf(lane, priority) : ({ lane }) => lane;
  }

  get size(): number {
    return this.#views.size;
  }

  /** Undefined: nothing is known of it. */
  get(key: string): LaneView | undefined {
    return this.#views.get(key);
  }

  /** Adds the next piece of a lane. `current` tells what became of each task in this batch. */
  extend(key: string, head: LaneHead, current: (id: string) => Task | undefined): void {
    const view = this.#view(key);
    view.extend(head, current);
    this.#settleQueuedHere(key, view);
  }

  join(task: Task): void {
    const key = this.#keyOf(task);
    const view = this.#views.get(key) ?? (this.#isStored(key) ? undefined : this.#view(key));
    if (view?.covers(task)) view.add(task);
    else if (!view || view.more) {
      const here = this.#queuedHere.get(key) ?? new Map<string, Task>();
      this.#queuedHere.set(key, here);
      here.set(task.id, task);
    }
  }

  leave(task: Task): void {
    const key = this.#keyOf(task);
    this.#views.get(key)?.remove(task);
    this.#queuedHere.get(key)?.delete(task.id);
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
      if (!this.#isStored(key)) view.extend({ tasks: [], more: false }, () => undefined);
      this.#views.set(key, view);
    }
    return view;
  }
}
