import type { Clock, Now } from '../core/clock.ts';

/** More than this between two looks at the clock, and the process was not running: nobody could be heard. */
const LONGEST_STEP_MS = 1000;

/**
 * The machine's clocks. Steady time counts only while the process runs: when it was suspended or its event loop
 * stood still, workers could not make themselves heard, and their leases must not expire for it. Whoever uses it
 * looks at least a few times a second (the sweeper does).
 */
export function systemClock(): Clock {
  let last = performance.now();
  let steady = Date.now();
  return {
    now(): Now {
      const at = performance.now();
      steady += Math.min(at - last, LONGEST_STEP_MS);
      last = at;
      return { wall: Date.now(), steady: Math.floor(steady) };
    },
    timer(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
