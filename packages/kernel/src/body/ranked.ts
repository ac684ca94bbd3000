import type { QueueRank } from '../core/store.ts';
import type { Task } from '../core/task.ts';

/** Negative when `a` is served before `b`: higher priority first, then the order of submission. */
export function byRank(a: QueueRank, b: QueueRank): number {
  return b.priority - a.priority || a.seq - b.seq;
}

/** So many that have left stay in their places until they are all cleared away. */
const MOST_GONE = 256;

/** Tasks in the order in which they are served: nearly all of them come last and leave first. */
export class Ranked {
  readonly #tasks: Task[] = [];
  #start = 0;

  get length(): number {
    return this.#tasks.length - this.#start;
  }

  at(index: number): Task | undefined {
    return this.#tasks[this.#start + index];
  }

  /** In its place; and in place of what it was, if it is here already. */
  add(task: Task): void {
    const tasks = this.#tasks;
    const last = tasks.at(-1);
    if (this.length === 0 || byRank(task, last!) > 0) return void tasks.push(task);
    const at = this.#placeOf(task);
    tasks.splice(at, Number(tasks[at]?.id === task.id), task);
  }

  remove(task: Task): void {
    const at = this.#placeOf(task);
    if (this.#tasks[at]?.id !== task.id) return;
    if (at > this.#start) return void this.#tasks.splice(at, 1);
    if (++this.#start < MOST_GONE) return;
    this.#tasks.splice(0, this.#start);
    this.#start = 0;
  }

  /** Where a task stands, or would stand: found by halving, unless it is the first. */
  #placeOf(task: Task): number {
    let [from, to] = [this.#start, this.#tasks.length];
    if (from < to && this.#tasks[from]!.id === task.id) return from;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (byRank(this.#tasks[middle]!, task) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
