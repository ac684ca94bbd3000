import { BESIDE, type Members } from '../members.ts';
import type { ParsedRule, RateLimit } from '../policy.ts';

const MAX_RATE = 1_000_000;
/** Whoever comes back exactly when told to is not sent away because sums of fractions are not exact. */
const ROUNDING = 1e-6;

/** `per_second` and `burst`. What is over the limit is refused and not stored, so there is nothing to approve or warn of. */
export function rateLimit(members: Members): ParsedRule | null {
  const ofRate = (value: number) => value > 0 && value <= MAX_RATE;
  const ofCount = (value: number) => Number.isInteger(value) && value >= 1 && value <= MAX_RATE;
  const perSecond = members.number('per_second', `a number over 0 and up to ${MAX_RATE}`, ofRate);
  const burst = members.number('burst', `a whole number from 1 to ${MAX_RATE}`, ofCount);
  members.finish(`a rate_limit has per_second and burst, ${BESIDE}`);
  return perSecond === undefined || burst === undefined ? null : { rateLimit: { perSecond, burst } };
}

/** What is left to one submitter under one rate limit. */
export interface Bucket {
  readonly tokens: number;
  /** Steady or wall time in milliseconds; only differences count. */
  readonly at: number;
}

/**
 * Takes tokens from a bucket, or none when there are too few. A clock that goes back neither gives nor takes tokens.
 * @param bucket null for a submitter who has not been seen yet, and whose bucket is full
 * @param now milliseconds
 * @param wanted how many tasks are handed in together. More than `burst` can never be, so they wait for a full bucket
 *   and leave it in debt
 */
export function takeTokens(
  bucket: Bucket | null,
  { perSecond, burst }: Pick<RateLimit, 'perSecond' | 'burst'>,
  now: number,
  wanted = 1,
): { bucket: Bucket; allowed: boolean; retryAfterSeconds: number } {
  const passed = bucket ? Math.max(0, now - bucket.at) / 1000 : 0;
  const tokens = bucket ? Math.min(burst, bucket.tokens + passed * perSecond) : burst;
  const needed = Math.min(wanted, burst);
  if (tokens + ROUNDING >= needed)
    return { bucket: { tokens: tokens - wanted, at: now }, allowed: true, retryAfterSeconds: 0 };
  const retryAfterSeconds = Math.max(1, Math.ceil(msUntilThere(needed - tokens, perSecond) / 1000));
  return { bucket: { tokens, at: now }, allowed: false, retryAfterSeconds };
}

/** However slow a bucket fills: a time beyond what can be written as a date is none. A century. */
const LONGEST_MS = 100 * 365.25 * 86_400_000;

/** In how many milliseconds so many tokens come together. */
export function msUntilThere(tokens: number, perSecond: number): number {
  return Math.min(LONGEST_MS, Math.ceil((tokens / perSecond) * 1000));
}
