import type { RetryBackoff } from '../core/task.ts';

/**
 * How long to wait before a retry, in milliseconds. Exponential doubles with every retry; full jitter draws evenly
 * from zero to the delay, so that tasks that failed together do not come back together.
 * @param retry 1 for the first retry
 * @param random evenly drawn from [0, 1)
 */
export function backoffMs(backoff: RetryBackoff, retry: number, random: number): number {
  const seconds =
    backoff.type === 'fixed'
      ? backoff.delay_seconds
      : Math.min(backoff.max_delay_seconds, backoff.delay_seconds * 2 ** Math.min(retry - 1, 60));
  return Math.round(seconds * 1000 * (backoff.jitter ? random : 1));
}
