import type { LaneHead, QueueRank } from '../core/store.ts';
import type { Task } from '../core/task.ts';

/** Negative when `a` is served before `b`: higher priority first, then the order of submission. */
export function byRank(a: QueueRank, b: QueueRank): number {
  return b.priority - a.priority || a.seq - b.seq;
}

/** So many that have left stay in their places until they are all cleared away. */
const MOST_GONE = 256;

/**
 * One lane of the queue as a batch of decisions sees it: the front of what the store holds, less what the batch has
 * taken, plus what it has queued. As long as the store has `more`, nothing is known of what stands behind the last
 * one loaded; such a task is found again after the commit.
 */
export class LaneView {
  #tasks: Task[] = [];
  #start = 0;
  /** The last task the store gave; the next load goes on behind it. */
  #horizon: Task | null = null;
  #more = true;

  /** Adds the next piece the store holds. `current` tells what became of each in this batch (null: unchanged). */
  extend(head: LaneHead, current: (id: string) => Task | undefined): void {
    for (const task of head.tasks) {
      const now = current(task.id) ?? task;
      if (now.status === 'queued') this.add(now);
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
    return this.#tasks.length - this.#start;
  }

  at(index: number): Task | undefined {
    return this.#tasks[this.#start + index];
  }

  /** Whether a task's place is within what is known of the lane. */
  covers(task: Task): boolean {
    return !this.#more || (this.#horizon !== null && byRank(task, this.#horizon) <= 0);
  }

  add(task: Task): void {
    const tasks = this.#tasks;
    let at = tasks.length;
    while (at > this.#start && byRank(task, tasks[at - 1]!) < 0) at--;
    if (at > this.#start && tasks[at - 1]!.id === task.id) tasks[at - 1] = task;
    else tasks.splice(at, 0, task);
  }

  remove(task: Task): void {
    if (this.#tasks[this.#start]?.id === task.id) {
      this.#start++;
      if (this.#start < MOST_GONE) return;
      this.#tasks.splice(0, this.#start);
      this.#start = 0;
      return;
    }
    const at = this.#tasks.findIndex((one, index) => index >= this.#start && one.id === task.id);
    if (at >= 0) this.#tasks.splice(at, 1);
  }
}
