import type { Task } from '../../core/task.ts';
import { leftIn } from '../../guardian/limits.ts';
import { msUntilThere } from '../../guardian/rules/rate-limit.ts';
import type { Change, PassedOver } from '../change.ts';
import type { FairOrder } from '../fair-order.ts';
import { bucketIn, type RateBound } from '../headroom.ts';
import type { Slice } from '../slice.ts';
import { lastPolicy, POLICY } from './policy.ts';

/** What the policy's limits do to claims. */

/** A bucket whose time is further ahead than this was filled before the clock went back. */
const CLOCK_TOLERANCE_MS = 1000;

/**
 * Whether there may be limits, so that the policy has to be known. Where nobody else writes, the one that was read last tells:
 * as long as it has none, claims need not look.
 */
export function mayBeLimited(slice: Slice): boolean {
  const last = lastPolicy(slice.rules.guardian.types);
  return slice.mark !== null || last === null || last.limits.length > 0;
}

/**
 * Takes a token for each task that is started under a rate. What was decided rests on the policy, where another kernel may
 * set one meanwhile.
 */
export function spendTokens(change: Change, tasks: readonly Task[]): void {
  const { slice } = change;
  if (slice.mark !== null && slice.hasDocument(POLICY)) change.readDocument(POLICY);
  if (!slice.headroom.isLimited) return;
  const spent = new Map<string, { readonly bound: RateBound; count: number }>();
  for (const { lane, spec } of tasks) {
    for (const bound of slice.headroom.boundsOn(lane, () => spec.value.requirements)) {
      if (!('rate' in bound)) continue;
      const known = spent.get(bound.key);
      if (known) known.count++;
      else spent.set(bound.key, { bound, count: 1 });
    }
  }
  for (const { bound, count } of spent.values()) fill(change, bound, -count);
}

/** Puts into a bucket what has come together until now, and `more`. */
function fill(change: Change, { key, rate }: RateBound, more: number): void {
  const { wall } = change.slice.now;
  const document = change.document(key);
  const tokens = leftIn(bucketIn(document), rate, wall) + more;
  const body = { tokens, at: wall };
  // Full again, it says no more than none.
  const endedAt = wall + msUntilThere(rate.burst - tokens, rate.perSecond);
  if (document) change.updateDocument(document, { body, endedAt });
  else {
    const id = key.slice(key.indexOf(' ') + 1);
    const fixed = { collection: 'bucket', id, version: 1, state: '', createdAt: wall } as const;
    change.createDocument({ ...fixed, dueAt: null, endedAt, body });
  }
}

/** Whether one of the bounds that hold something back has a bucket from before the clock went back. */
export function hasStaleBucket(slice: Slice, { holding }: FairOrder): boolean {
  return [...holding.values()].some((bound) => 'rate' in bound && isStale(slice, bound));
}

function isStale(slice: Slice, { key }: RateBound): boolean {
  const bucket = bucketIn(slice.document(key));
  return bucket !== null && bucket.at > slice.now.wall + CLOCK_TOLERANCE_MS;
}

/** What a claim has passed over; null: nothing. Buckets from before the clock went back begin to fill anew. */
export function passedOver(change: Change, { passedOver: lanes, holding }: FairOrder): PassedOver | null {
  if (lanes.size === 0) return null;
  for (const bound of holding.values()) {
    if ('rate' in bound && isStale(change.slice, bound)) fill(change, bound, 0);
  }
  return { lanes, by: new Set([...holding.values()].map(({ name }) => name)) };
}
