import type { Members } from './members.ts';
import { type Bucket, msUntilThere } from './rules/rate-limit.ts';

/**
 * A bound on the tasks that require a capability: how many of them execute at once, how many are started in a second, or
 * both. It judges nothing: what it holds back waits in the queue.
 */
export interface Limit {
  readonly id: string;
  readonly capability: string;
  /** Null: any number. */
  readonly maxConcurrent: number | null;
  /** A bucket of `burst` tokens that fills by `perSecond`; null: as fast as may be. */
  readonly rate: Rate | null;
}

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export const MAX_LIMITS = 100;
const MOST = 1_000_000;
const MAX_NAME = 200;

/** Reads one limit; what is wrong with it is noted in `members`. */
export function readLimit(members: Members, id: string): Limit | null {
  const isName = (text: string) => text.length >= 1 && text.length <= MAX_NAME;
  const capability = members.text('capability', `the name of a capability, 1 to ${MAX_NAME} characters`, isName);
  const has = (name: string) => members.take(name) !== undefined;
  const maxConcurrent = has('max_concurrent')
    ? members.number('max_concurrent', `a whole number from 0 to ${MOST}; 0 holds all back`, isCount(0))
    : null;
  const perSecond = has('per_second')
    ? members.number('per_second', `a number over 0 and up to ${MOST}`, (value) => value > 0 && value <= MOST)
    : null;
  const burst = has('burst') ? members.number('burst', `a whole number from 1 to ${MOST}`, isCount(1)) : null;
  if (!has('max_concurrent') && !has('per_second')) members.failWhole('must have max_concurrent, per_second, or both');
  if (has('burst') && !has('per_second')) members.fail('burst', 'needs per_second: it is how many may start at once');
  members.finish('a limit has id, capability, max_concurrent, per_second, burst and description');
  if (capability === undefined || maxConcurrent === undefined || perSecond === undefined || burst === undefined) {
    return null;
  }
  const rate = perSecond === null ? null : { perSecond, burst: burst ?? Math.max(1, Math.ceil(perSecond)) };
  return { id, capability, maxConcurrent, rate };
}

function isCount(from: number): (value: number) => boolean {
  return (value) => Number.isInteger(value) && value >= from && value <= MOST;
}

/** Whoever comes back exactly when told to is not sent away because sums of fractions are not exact. */
const ROUNDING = 1e-6;

/** What is left in a bucket at this moment (wall). A clock that went back neither gives nor takes. @param bucket null: full */
export function leftIn(bucket: Bucket | null, { perSecond, burst }: Rate, now: number): number {
  if (bucket === null) return burst;
  return Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * perSecond);
}

/** How many tasks may be started with so many tokens. */
export function startsFor(tokens: number): number {
  return Math.max(0, Math.floor(tokens + ROUNDING));
}

/** In how many milliseconds there will be a whole token. */
export function waitForToken(tokens: number, { perSecond }: Rate): number {
  return Math.max(1, msUntilThere(1 - tokens, perSecond));
}
