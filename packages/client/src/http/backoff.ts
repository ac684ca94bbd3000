/**
 * How long to wait before the next try, in milliseconds: 100, 200, 400 … up to 2,000 (or `maxMs`), each between half
 * and the whole of it, so that many clients that failed together do not come back together.
 */
export function backoffMs(retried: number, maxMs = 2_000): number {
  const whole = Math.min(maxMs, 100 * 2 ** Math.min(retried, 20));
  return whole * (0.5 + Math.random() / 2);
}
