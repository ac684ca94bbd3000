import type { Task } from '../core/task.ts';
import type { LaneFacts } from '../mind/eligibility.ts';
import { byRank, type LaneView } from './lane-view.ts';
import type { Slice } from './slice.ts';

interface Head {
  readonly facts: LaneFacts;
  readonly view: LaneView;
  /** So many at the front of the lane have been given away. */
  taken: number;
}

/** A task that is next, and its lane. */
export interface Next {
  readonly task: Task;
  readonly lane: LaneFacts;
}

/** The front of the queue over some lanes: what of them is served next, and after that. Nothing is taken out of the slice. */
export class Front {
  #heads: Head[] = [];
  #next: Head | undefined;

  /** @param lanes loaded as far as they are wanted */
  constructor(slice: Slice, lanes: Iterable<LaneFacts>) {
    for (const facts of lanes) this.#heads.push({ facts, view: slice.queue.lane(facts.key)!, taken: 0 });
  }

  /** The best over the heads of all lanes; null: there is nothing more. */
  next(): Next | null {
    let best: Task | undefined;
    for (const head of this.#heads) {
      const task = head.view.at(head.taken);
      if (!task || (best && byRank(task, best) >= 0)) continue;
      best = task;
      this.#next = head;
    }
    return best ? { task: best, lane: this.#next!.facts } : null;
  }

  /** What was next has been given away. */
  take(): void {
    this.#next!.taken++;
  }

  /** Nobody can be found for what was next: its lane is left alone. */
  pass(): void {
    this.#heads = this.#heads.filter((head) => head !== this.#next);
  }
}
