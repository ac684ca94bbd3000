import type { Nearness } from '../core/mind-rules.ts';

/**
 * Nearness comes from elsewhere, and nobody gets a task while workers are weighed. So whatever it does, they are: what is beyond 0 to 1
 * counts as the nearer end; where it says no number at all, nothing is known of that worker; where it throws, of none.
 * @param tell is told once, of the first answer that was none
 */
export function soundNearness(nearness: Nearness, tell: (fault: unknown) => void): Nearness {
  let isTold = false;
  const tellOnce = (fault: unknown) => {
    if (!isTold) tell(fault);
    isTold = true;
  };
  const sound = (near: unknown): number | null => {
    if (near === null || (typeof near === 'number' && near >= 0 && near <= 1)) return near;
    tellOnce(new RangeError(`nearness must be from 0 to 1 or null, and was ${String(near)}`));
    return typeof near === 'number' && Number.isFinite(near) ? Math.min(1, Math.max(0, near)) : null;
  };
  return (task, workers) => {
    try {
      const all: unknown = nearness(task, workers) ?? null;
      if (Array.isArray(all)) return workers.map((_, at) => sound(all[at] ?? null));
      if (all !== null) tellOnce(new TypeError(`nearness must be a list or null, and was ${String(all)}`));
    } catch (fault) {
      tellOnce(fault);
    }
    return null;
  };
}
