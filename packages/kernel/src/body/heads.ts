import type { Task } from '../core/task.ts';
import { byRank } from './ranked.ts';

interface Head {
  readonly lane: string;
  readonly task: Task;
}

/** The lanes of which it is known what comes first in them, in the order in which these tasks are served. */
export class Heads {
  readonly #order: Head[] = [];
  readonly #byLane = new Map<string, Head>();

  /** What is first in a lane now; undefined: nothing, or nobody knows. */
  set(lane: string, task: Task | undefined): void {
    const before = this.#byLane.get(lane);
    if (before?.task === task) return;
    if (before) this.#order.splice(this.#placeOf(before.task), 1);
    if (task) {
      const head = { lane, task };
      this.#order.splice(this.#placeOf(task), 0, head);
      this.#byLane.set(lane, head);
    } else this.#byLane.delete(lane);
  }

  /** Where a task stands, or would stand: found by halving. */
  #placeOf(task: Task): number {
    let [from, to] = [0, this.#order.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (byRank(this.#order[middle]!.task, task) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /** The lanes, the one with the first task first. */
  *lanes(): Generator<string> {
    for (const { lane } of this.#order) yield lane;
  }
}
