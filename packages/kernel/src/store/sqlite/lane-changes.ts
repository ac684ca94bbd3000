import type { LaneState, Mirror } from './mirror.ts';

/** How the lanes of one commit fill and empty. */
export class LaneChanges {
  readonly #changes = new Map<string, { lane: LaneState; queued: number; tasks: number }>();

  get(key: string): LaneState | undefined {
    return this.#changes.get(key)?.lane;
  }

  count(lane: LaneState, queued: number, tasks: number): void {
    const change = this.#changes.get(lane.key);
    if (change) {
      change.queued += queued;
      change.tasks += tasks;
    } else this.#changes.set(lane.key, { lane, queued, tasks });
  }

  all(): Iterable<{ readonly lane: LaneState; readonly queued: number; readonly tasks: number }> {
    return this.#changes.values();
  }

  apply(mirror: Mirror): void {
    for (const { lane, queued, tasks } of this.#changes.values()) {
      lane.queued += queued;
      lane.tasks += tasks;
      mirror.setLane(lane);
    }
  }
}
