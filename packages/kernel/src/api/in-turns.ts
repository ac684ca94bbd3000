import { setImmediate as breathe } from 'node:timers/promises';

/** After so many milliseconds others have their turn. */
const LONGEST_MS = 10;

/** Does what may take long, and has many small steps, so that others are served in between; at once where it does not take long. */
export async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (let since = performance.now(); ; ) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - since < LONGEST_MS) continue;
    await breathe();
    since = performance.now();
  }
}
