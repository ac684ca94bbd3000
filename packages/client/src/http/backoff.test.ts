import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('waits double up to the most, spread between half and the whole', () => {
  for (const [retried, whole] of [0, 1, 2, 3, 4, 5, 50].map((n) => [n, Math.min(2_000, 100 * 2 ** n)] as const)) {
    const wait = backoffMs(retried);
    expect(wait).toBeGreaterThanOrEqual(whole / 2);
    expect(wait).toBeLessThanOrEqual(whole);
  }
});
