import type { LaneState, Mirror } from './mirror.ts';

interface LaneChange {
  readonly lane: LaneState;
  queued: number;
  tasks: number;
  executing: number;
}

/** How the lanes of one commit fill and empty. */
export class LaneChanges {
  readonly #changes = new Map<string, LaneChange>();

  get(key: string): LaneState | undefined {
    return this.#changes.get(key)?.lane;
  }

  count(lane: LaneState, queued: number, tasks: number, executing = 0): void {
    const change = this.#changes.get(lane.key);
    if (change) {
      change.queued += queued;
      change.tasks += tasks;
      change.executing += executing;
    } else this.#changes.set(lane.key, { lane, queued, tasks, executing });
  }

  all(): Iterable<Readonly<LaneChange>> {
    return this.#changes.values();
  }

  apply(mirror: Mirror): void {
    for (const { lane, queued, tasks, executing } of this.#changes.values()) {
      lane.queued += queued;
      lane.tasks += tasks;
      lane.executing += executing;
      mirror.setLane(lane);
    }
  }
}
