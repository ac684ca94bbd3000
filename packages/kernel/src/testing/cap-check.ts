import type { LedgerEntry } from '../core/event.ts';
import { capabilityPool, groupPool, poolsOf } from '../core/lane.ts';
import type { Task } from '../core/task.ts';
import type { Replay } from './replay.ts';
import type { World } from './simulation.ts';

/** How many tasks of which pools may execute at once. */
export interface Caps {
  /** The pools that a task is in. */
  poolsOf(taskId: string): readonly string[];
  most(pool: string): number;
}

/** Follows the ledger and counts what is executing: no cap may be exceeded at any entry. */
export class CapCheck {
  readonly #caps: Caps;
  readonly #replay: Replay;
  readonly #complain: (text: string) => void;
  readonly #executing = new Map<string, readonly string[]>();

  constructor(caps: Caps, replay: Replay, complain: (text: string) => void) {
    this.#caps = caps;
    this.#replay = replay;
    this.#complain = complain;
  }

  /** An entry that the replay has followed. */
  follow({ id, type, taskId }: Pick<LedgerEntry, 'id' | 'type' | 'taskId'>): void {
    // What a rollback brings back is executing nowhere.
    if (type === 'rollback_completed') this.#executing.clear();
    if (taskId === null) return;
    if (this.#replay.tasks.get(taskId)?.status !== 'executing') this.#executing.delete(taskId);
    else if (!this.#executing.has(taskId)) {
      const pools = this.#caps.poolsOf(taskId);
      this.#executing.set(taskId, pools);
      for (const pool of pools) this.#check(pool, id);
    }
  }

  #check(pool: string, entry: number): void {
    const most = this.#caps.most(pool);
    let count = 0;
    for (const pools of this.#executing.values()) count += Number(pools.includes(pool));
    if (count > most)
      this.#complain(`${count} tasks of the pool "${pool}" are executing at ${entry}, where ${most} may`);
  }
}

/**
 * Those of a simulated world. Its limits are in all of its policies, and what is executing before the first of them is set
 * counts as well; but nothing is.
 */
export function capsOf({ tried, fairness }: World, tasks: ReadonlyMap<string, Task>): Caps {
  return {
    /** What no submitter has handed in, and a rollback took away, nobody knows any more: that is not counted. */
    poolsOf(taskId) {
      const known = tried.get(taskId);
      if (known) return poolsOf(known.lane, () => known.spec.requirements);
      const stored = tasks.get(taskId);
      return stored ? poolsOf(stored.lane, () => stored.spec.value.requirements) : [];
    },
    most(pool) {
      const { maxConcurrentPerGroup, limits, groups } = fairness;
      let most = Number.POSITIVE_INFINITY;
      const isGroup = groups.some((group) => group !== null && groupPool(group) === pool);
      if (isGroup && maxConcurrentPerGroup > 0) most = maxConcurrentPerGroup;
      for (const { capability, max_concurrent: own } of limits) {
        if (typeof own === 'number' && capabilityPool(String(capability)) === pool) most = Math.min(most, own);
      }
      return most;
    },
  };
}
