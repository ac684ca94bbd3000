import type { JsonObject } from '../core/json.ts';
import type { Slice } from './slice.ts';

/** Lanes by their keys, with what they require. */
export type Lanes = ReadonlyMap<string, JsonObject>;

const NONE: Lanes = new Map();

const MANY = 1000;

/**
 * Lanes that hold something for somebody who waits, and that a bound keeps closed. Whoever waits has been told that there is
 * nothing, so when a lane opens again somebody has to think of it.
 */
export class ClosedLanes {
  readonly #lanes = new Map<string, JsonObject>();
  #many = MANY;

  get size(): number {
    return this.#lanes.size;
  }

  add(lane: string, requirements: JsonObject): void {
    this.#lanes.set(lane, requirements);
  }

  /** Of many, those that hold nothing any more are let go: what comes into them makes itself known. */
  letGo(mayHold: (lane: string) => boolean): void {
    if (this.#lanes.size < this.#many) return;
    for (const lane of this.#lanes.keys()) if (!mayHold(lane)) this.#lanes.delete(lane);
    this.#many = Math.max(MANY, 2 * this.#lanes.size);
  }

  /** Those in which something may start by now, or of which that is not known; they are thought of as open. */
  reopened(slice: Slice): Lanes {
    if (this.#lanes.size === 0) return NONE;
    const open = new Map([...this.#lanes].filter(([lane, requirements]) => slice.headroom.in(lane, requirements) > 0));
    for (const lane of open.keys()) this.#lanes.delete(lane);
    return open;
  }

  /** In how many milliseconds the first of them opens by itself; null: none does. */
  opensInMs(slice: Slice): number | null {
    let soonest: number | null = null;
    for (const [lane, requirements] of this.#lanes) {
      const wait = slice.headroom.opensInMs(lane, requirements);
      if (wait !== null) soonest = Math.min(wait, soonest ?? wait);
    }
    return soonest;
  }
}
