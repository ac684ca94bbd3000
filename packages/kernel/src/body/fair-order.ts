import type { JsonObject } from '../core/json.ts';
import { groupOf } from '../core/lane.ts';
import type { Task } from '../core/task.ts';
import { agedPriority } from '../mind/aging.ts';
import { byTurn, type Place, RotationAhead } from '../mind/rotation.ts';
import type { Bound } from './headroom.ts';
import type { Slice } from './slice.ts';

/**
 * In which order a claim takes tasks off the heads of lanes, and off which of them it may: groups take turns, and what
 * a bound holds back is passed over. What it has picked so far counts, and nothing is changed in the slice.
 */
export class FairOrder {
  readonly #slice: Slice;
  readonly #turns: RotationAhead;
  /** How many more each bound lets start, by its key. */
  readonly #left = new Map<string, number>();
  /** Lanes that hold something, and that a bound keeps closed; and the bounds that do. */
  readonly passedOver = new Map<string, JsonObject>();
  readonly holding = new Map<string, Bound>();

  readonly #isBounded: boolean;
  readonly #hasTurns: boolean;

  constructor(slice: Slice) {
    this.#slice = slice;
    this.#turns = new RotationAhead(slice.rotation);
    this.#hasTurns = slice.queue.hasGroups;
    this.#isBounded = slice.headroom.isBounded;
  }

  /** The place of a task, if that is before another one; null: it is not. */
  placeBefore(task: Task, group: string | null, other: Place | null): Place | null {
    const { rules, now } = this.#slice;
    const ages = rules.priorityAgingMs > 0;
    const priority = ages ? agedPriority(task, now.wall, rules.priorityAgingMs) : task.priority;
    if (other && priority < other.priority) return null;
    const place = { priority, turn: this.#hasTurns ? this.#turns.turnOf(group) : 0, seq: task.seq };
    return other && byTurn(place, other) >= 0 ? null : place;
  }

  /** Whether one more of this lane may start. If not, that is noted: call it for lanes that hold something. */
  mayStart(lane: string, requirements: JsonObject): boolean {
    if (!this.#isBounded) return true;
    let may = true;
    for (const bound of this.#slice.headroom.boundsOn(lane, requirements)) {
      if (this.#leftOf(bound) > 0) continue;
      may = false;
      this.holding.set(bound.key, bound);
    }
    if (!may) this.passedOver.set(lane, requirements);
    return may;
  }

  /** A task was picked. */
  picked({ lane }: Task, requirements: JsonObject): void {
    this.#turns.picked(groupOf(lane));
    if (!this.#isBounded) return;
    for (const bound of this.#slice.headroom.boundsOn(lane, requirements)) {
      this.#left.set(bound.key, this.#leftOf(bound) - 1);
    }
  }

  #leftOf(bound: Bound): number {
    return this.#left.get(bound.key) ?? this.#slice.headroom.left(bound);
  }
}
