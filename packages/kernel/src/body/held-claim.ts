import type { Clock } from '../core/clock.ts';
import type { Assignment } from '../core/command.ts';
import type { Worker } from '../core/worker.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { WorkerLink } from './links.ts';

/**
 * A claim that found nothing and waits: a link that takes one delivery and is gone. Answers with what it was given,
 * or with nothing when the time is over, the worker is told to drain, or `signal` aborts.
 * @param kick makes the kernel look at once, in case something came in since the claim was decided
 */
export function holdClaim(
  { dispatcher, clock, kick }: { dispatcher: Dispatcher; clock: Clock; kick: () => void },
  worker: Worker,
  max: number,
  waitMs: number,
  signal: AbortSignal,
): Promise<readonly Assignment[]> {
  // Whoever is told only once has been told already.
  if (signal.aborted) return Promise.resolve([]);
  return new Promise((resolve) => {
    const end = (assignments: readonly Assignment[]) => {
      cancelTimer();
      signal.removeEventListener('abort', onAbort);
      dispatcher.detach(link);
      resolve(assignments);
    };
    const onAbort = () => end([]);
    const link: WorkerLink = {
      workerId: worker.id,
      isSignOfLife: true,
      takesOnce: true,
      assign: end,
      cancel: () => undefined,
      drain: () => end([]),
      removed: () => end([]),
    };
    const cancelTimer = clock.timer(waitMs, () => end([]));
    signal.addEventListener('abort', onAbort);
    dispatcher.attach(link, worker);
    dispatcher.credit(link, max);
    kick();
  });
}
