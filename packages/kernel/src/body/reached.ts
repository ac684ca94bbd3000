import type { Clock } from '../core/clock.ts';
import type { Rules } from '../core/command.ts';
import type { JsonObject } from '../core/json.ts';
import { capabilitiesIn, groupOf, groupPool } from '../core/lane.ts';
import type { Store } from '../core/store.ts';
import { leftIn, type Rate, startsFor, waitForToken } from '../guardian/limits.ts';
import type { Limit, RateLimit } from '../mind/waits.ts';
import type { GuardianDesk } from './guardian-desk.ts';
import { bucketIn, bucketOf, GROUP_BOUND } from './headroom.ts';

interface Asked {
  readonly store: Store;
  readonly clock: Clock;
  readonly rules: Rules;
  readonly guardian: GuardianDesk;
}

/** The limits that hold back the tasks of a lane, as things stand: those that are reached, and rates whose bucket is empty. */
export async function reachedLimits(
  { store, clock, rules, guardian }: Asked,
  lane: string,
  requirements: JsonObject,
): Promise<(Limit | RateLimit)[]> {
  const { maxConcurrentTasks: most, maxConcurrentPerGroup: mostOfGroup } = rules;
  const limits: Limit[] = [];
  if (most > 0) {
    const { executing } = (await store.survey()).tasks;
    limits.push({ name: 'MAX_CONCURRENT_TASKS', most, executing });
  }
  const group = groupOf(lane);
  if (mostOfGroup > 0 && group !== null) {
    const pool = groupPool(group);
    const executing = (await store.load({ pools: [pool] })).pools.get(pool)!;
    limits.push({ name: GROUP_BOUND, most: mostOfGroup, executing });
  }
  const named = capabilitiesIn(requirements);
  const rates: RateLimit[] = [];
  for (const { id, capability, maxConcurrent, executing, rate } of await guardian.limits()) {
    if (!named.has(capability)) continue;
    const name = `the policy's limit ${id}`;
    if (maxConcurrent !== null) limits.push({ name, most: maxConcurrent, executing });
    const opensAt = rate && (await opening(store, id, rate, clock.now().wall));
    if (rate && opensAt !== null) rates.push({ name, perSecond: rate.perSecond, opensAt });
  }
  return [...limits.filter((limit) => limit.executing >= limit.most), ...rates];
}

/** When a rate lets the next task start; null: now. */
async function opening(store: Store, id: string, rate: Rate, wall: number): Promise<number | null> {
  const tokens = leftIn(bucketIn(await store.document('bucket', bucketOf(id))), rate, wall);
  return startsFor(tokens) > 0 ? null : wall + waitForToken(tokens, rate);
}
