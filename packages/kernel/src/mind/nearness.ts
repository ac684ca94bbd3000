import type { Nearness } from '../core/mind-rules.ts';

/**
 * Nearness comes from elsewhere, and nobody gets a task while workers are weighed. So whatever it does, they are: what is beyond 0 to 1
 * counts as the nearer end; where it says no number at all, or throws, nothing is known of that worker.
 * @param tell is told once, of the first answer that was none
 */
export function soundNearness(nearness: Nearness, tell: (fault: unknown) => void): Nearness {
  let isTold = false;
  const tellOnce = (fault: unknown) => {
    if (!isTold) tell(fault);
    isTold = true;
  };
  return (task, workerId) => {
    try {
      const near: unknown = nearness(task, workerId) ?? null;
      if (near === null || (typeof near === 'number' && near >= 0 && near <= 1)) return near;
      tellOnce(new RangeError(`nearness must be from 0 to 1 or null, and was ${String(near)}`));
      return typeof near === 'number' && Number.isFinite(near) ? Math.min(1, Math.max(0, near)) : null;
    } catch (fault) {
      tellOnce(fault);
      return null;
    }
  };
}
