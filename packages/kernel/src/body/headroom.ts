import type { Now } from '../core/clock.ts';
import type { Rules } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import type { JsonObject } from '../core/json.ts';
import { capabilityPool, groupOf, groupPool, poolsOf } from '../core/lane.ts';
import type { Cap } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { type Limit, leftIn, type Rate, startsFor, waitForToken } from '../guardian/limits.ts';
import type { Policy } from '../guardian/policy.ts';
import type { Bucket } from '../guardian/rules/rate-limit.ts';
import { POLICY, policyOf } from './decide/policy.ts';
import type { Wanted } from './wanted.ts';

/** What the bound on groups is called; those of the policy are called by their ids. */
export const GROUP_BOUND = 'COLONY_GROUP_MAX_CONCURRENT';

/** Something that bounds how many tasks of some lanes may start: a pool that is not to overflow, or a bucket of tokens. */
export type Bound = PoolBound | RateBound;

interface PoolBound {
  /** Tells it from others. */
  readonly key: string;
  readonly name: string;
  readonly pool: string;
  readonly most: number;
}

export interface RateBound {
  readonly key: string;
  readonly name: string;
  readonly rate: Rate;
}

/** What it asks the slice that it belongs to. */
interface Known {
  readonly rules: Rules;
  readonly now: Now;
  hasDocument(name: string): boolean;
  document(name: string): Document | null;
}

const NONE: readonly Bound[] = [];
const NO_LIMITS: readonly Limit[] = [];

/**
 * How many tasks of each lane may still be started, as a batch of decisions sees it: what is executing in the pools, as it
 * was loaded, and what the batch has changed of that. Where there are no bounds it knows nothing, and nothing is asked for.
 */
export class Headroom {
  readonly #slice: Known;
  /** How many are executing in the pools that were asked for. */
  readonly #executing = new Map<string, number>();
  /** By lane: how many more are executing than before the batch, and one of its tasks. */
  readonly #shifts = new Map<string, { readonly task: Task; by: number; isStarting: boolean }>();
  readonly #bounds = new Map<string, readonly Bound[]>();
  #limits = NO_LIMITS;

  constructor(slice: Known) {
    this.#slice = slice;
  }

  /** Whether the policy bounds how many may start of what requires some capability. */
  get isLimited(): boolean {
    return (this.#policy()?.limits ?? NO_LIMITS).length > 0;
  }

  /** Whether anything is bounded at all. */
  get isBounded(): boolean {
    return this.#slice.rules.maxConcurrentPerGroup > 0 || this.isLimited;
  }

  /** Notes what is wanted before anybody can say how many of a lane may start. Answers how many that is: see `in`. */
  needs(lane: string, requirements: JsonObject, wanted: Wanted): number {
    let least = Number.POSITIVE_INFINITY;
    for (const bound of this.boundsOn(lane, requirements)) {
      if ('pool' in bound) wanted.pool(bound.pool);
      else wanted.document(bound.key);
      least = Math.min(least, this.left(bound));
    }
    return least;
  }

  /** The same for all lanes, where groups are not bounded or there are none. */
  needsLimits(wanted: Wanted): void {
    for (const { id, capability, maxConcurrent, rate } of this.#policy()?.limits ?? NO_LIMITS) {
      if (maxConcurrent !== null) wanted.pool(capabilityPool(capability));
      if (rate !== null) wanted.document(`bucket ${bucketOf(id)}`);
    }
  }

  hasPool(pool: string): boolean {
    return this.#executing.has(pool);
  }

  /** How many more tasks of a lane may start now; as many as may be as long as that is not known. */
  in(lane: string, requirements: JsonObject): number {
    let least = Number.POSITIVE_INFINITY;
    for (const bound of this.boundsOn(lane, requirements)) least = Math.min(least, this.left(bound));
    return least;
  }

  /** How many more a bound lets start. */
  left(bound: Bound): number {
    if ('rate' in bound) return startsFor(this.#tokens(bound));
    const executing = this.#executing.get(bound.pool);
    return executing === undefined ? Number.POSITIVE_INFINITY : Math.max(0, bound.most - executing);
  }

  /** In how many milliseconds a lane that is closed may open by itself; null: only when something ends. */
  opensInMs(lane: string, requirements: JsonObject): number | null {
    let wait: number | null = null;
    for (const bound of this.boundsOn(lane, requirements)) {
      if (this.left(bound) > 0) continue;
      if ('pool' in bound) return null;
      wait = Math.max(wait ?? 0, waitForToken(this.#tokens(bound), bound.rate));
    }
    return wait;
  }

  #tokens({ key, rate }: RateBound): number {
    const { now } = this.#slice;
    if (!this.#slice.hasDocument(key)) return Number.POSITIVE_INFINITY;
    return leftIn(bucketIn(this.#slice.document(key)), rate, now.wall);
  }

  /** What bounds a lane. */
  boundsOn(lane: string, requirements: JsonObject | (() => JsonObject)): readonly Bound[] {
    const { maxConcurrentPerGroup: most } = this.#slice.rules;
    const limits = this.#policy()?.limits ?? NO_LIMITS;
    if (most === 0 && limits.length === 0) return NONE;
    if (limits !== this.#limits) this.#bounds.clear();
    this.#limits = limits;
    let bounds = this.#bounds.get(lane);
    if (!bounds) {
      const asked = typeof requirements === 'function' ? requirements : () => requirements;
      bounds = [...groupBound(lane, most), ...limitBounds(poolsOf(lane, asked), limits)];
      this.#bounds.set(lane, bounds);
    }
    return bounds;
  }

  /** The policy, if it was asked for: see `mayBeLimited`. */
  #policy(): Policy | null {
    const { rules, hasDocument } = this.#slice;
    return hasDocument(POLICY) ? policyOf(this.#slice.document(POLICY), rules.guardian.types) : null;
  }

  /** The caps under which this batch has started something. */
  caps(): Cap[] {
    const most = new Map<string, number>();
    for (const [lane, { task, isStarting }] of this.#shifts) {
      if (!isStarting) continue;
      for (const bound of this.boundsOn(lane, () => task.spec.value.requirements)) {
        if ('pool' in bound) most.set(bound.pool, Math.min(bound.most, most.get(bound.pool) ?? bound.most));
      }
    }
    return [...most].map(([pool, cap]) => ({ pool, most: cap }));
  }

  /** Takes in what is stored of a pool. */
  learn(pool: string, executing: number): void {
    if (this.#executing.has(pool)) return;
    let count = executing;
    for (const { task, by } of this.#shifts.values()) if (by !== 0 && poolsOfTask(task).includes(pool)) count += by;
    this.#executing.set(pool, count);
  }

  /** A task begins, or ceases, to execute. */
  follow(task: Task, by: 1 | -1): void {
    const shift = this.#shifts.get(task.lane);
    if (shift) {
      shift.by += by;
      shift.isStarting ||= by > 0;
    } else this.#shifts.set(task.lane, { task, by, isStarting: by > 0 });
    if (this.#executing.size === 0) return;
    for (const pool of poolsOfTask(task)) {
      const executing = this.#executing.get(pool);
      if (executing !== undefined) this.#executing.set(pool, executing + by);
    }
  }

  /** Another batch begins on what the one before has left. */
  renew(): void {
    this.#shifts.clear();
  }
}

function poolsOfTask({ lane, spec }: Task): readonly string[] {
  return poolsOf(lane, () => spec.value.requirements);
}

function groupBound(lane: string, most: number): Bound[] {
  const group = groupOf(lane);
  if (most === 0 || group === null) return [];
  const pool = groupPool(group);
  return [{ key: pool, name: GROUP_BOUND, pool, most }];
}

function limitBounds(pools: readonly string[], limits: readonly Limit[]): Bound[] {
  return limits.flatMap(({ id: name, capability, maxConcurrent: most, rate }): Bound[] => {
    const pool = capabilityPool(capability);
    if (!pools.includes(pool)) return [];
    return [
      ...(most === null ? [] : [{ key: `${name} ${pool}`, name, pool, most }]),
      ...(rate === null ? [] : [{ key: `bucket ${bucketOf(name)}`, name, rate }]),
    ];
  });
}

/** The bucket of a limit among those of the rules, whose ids have a space in them. */
export function bucketOf(limit: string): string {
  return `limit:${limit}`;
}

export function bucketIn(document: Document | null): Bucket | null {
  return document && (document.body as unknown as Bucket);
}
