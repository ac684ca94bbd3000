import type { LaneHead } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { byRank, Ranked } from './ranked.ts';

/**
 * One lane of the queue as a batch of decisions sees it: the front of what the store holds, less what the batch has
 * taken, plus what it has queued. As long as the store has `more`, nothing is known of what stands behind the last
 * one loaded; such a task is found again after the commit.
 */
export class LaneView {
  readonly #tasks = new Ranked();
  /** The last task the store gave; the next load goes on behind it. */
  #horizon: Task | null = null;
  #more = true;

  /** Adds the next piece the store holds. `current` tells what became of each in this batch (null: unchanged). */
  extend(head: LaneHead, current: (id: string) => Task | undefined): void {
    for (const task of head.tasks) {
      const now = current(task.id) ?? task;
      if (now.status === 'queued') this.#tasks.add(now);
      this.#horizon = task;
    }
    this.#more = head.more;
  }

  get horizon(): Task | null {
    return this.#horizon;
  }

  get more(): boolean {
    return this.#more;
  }

  get length(): number {
    return this.#tasks.length;
  }

  at(index: number): Task | undefined {
    return this.#tasks.at(index);
  }

  /** Whether a task's place is within what is known of the lane. */
  covers(task: Task): boolean {
    return !this.#more || (this.#horizon !== null && byRank(task, this.#horizon) <= 0);
  }

  add(task: Task): void {
    this.#tasks.add(task);
  }

  remove(task: Task): void {
    this.#tasks.remove(task);
  }
}
