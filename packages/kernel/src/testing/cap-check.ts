import type { LedgerEntry } from '../core/event.ts';
import { capabilityPool, groupPool, poolsOf } from '../core/lane.ts';
import type { Replay } from './replay.ts';
import type { World } from './simulation.ts';

/**
 * Follows the ledger and counts what is executing: no bound may be exceeded at any entry. The limits of a world are in all
 * of its policies, and what is executing before the first of them is set counts as well; but nothing is.
 */
export class CapCheck {
  readonly #world: World;
  readonly #replay: Replay;
  readonly #complain: (text: string) => void;
  readonly #executing = new Map<string, readonly string[]>();

  constructor(world: World, replay: Replay, complain: (text: string) => void) {
    this.#world = world;
    this.#replay = replay;
    this.#complain = complain;
  }

  /** An entry that the replay has followed. */
  follow({ id, type, taskId }: LedgerEntry): void {
    // What a rollback brings back is executing nowhere.
    if (type === 'rollback_completed') this.#executing.clear();
    if (taskId === null) return;
    if (this.#replay.tasks.get(taskId)?.status !== 'executing') this.#executing.delete(taskId);
    else if (!this.#executing.has(taskId)) {
      const pools = this.#poolsOf(taskId);
      this.#executing.set(taskId, pools);
      for (const pool of pools) this.#check(pool, id);
    }
  }

  #poolsOf(taskId: string): readonly string[] {
    const { lane, spec } = this.#world.tried.get(taskId)!;
    return poolsOf(lane, () => spec.requirements);
  }

  #check(pool: string, entry: number): void {
    const most = this.#most(pool);
    let count = 0;
    for (const pools of this.#executing.values()) count += Number(pools.includes(pool));
    if (count > most)
      this.#complain(`${count} tasks of the pool "${pool}" are executing at ${entry}, where ${most} may`);
  }

  #most(pool: string): number {
    const { maxConcurrentPerGroup, limits, groups } = this.#world.fairness;
    let most = Number.POSITIVE_INFINITY;
    const isGroup = groups.some((group) => group !== null && groupPool(group) === pool);
    if (isGroup && maxConcurrentPerGroup > 0) most = maxConcurrentPerGroup;
    for (const { capability, max_concurrent: own } of limits) {
      if (typeof own === 'number' && capabilityPool(String(capability)) === pool) most = Math.min(most, own);
    }
    return most;
  }
}
