import type { Answer, Retry } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { TaskQuery } from '../core/queries.ts';
import type { Store } from '../core/store.ts';
import type { Task } from '../core/task.ts';

export interface RetryMany {
  readonly status: 'failed' | 'timeout' | 'cancelled';
  readonly tag?: string;
  readonly limit: number;
  /** Only tasks with a smaller `seq`: where an earlier call has left off. */
  readonly before?: number;
}

export interface Retried {
  /** How many run again, or wait to. */
  readonly retried: number;
  /** How many it came past that cannot, or that the guardian rejects by now. */
  readonly refused: number;
  /** It came past too many of those: there may be others behind the task of this `seq`. Null: no, or the limit is reached. */
  readonly leftOff: number | null;
}

interface Retrying {
  readonly store: Pick<Store, 'tasks'>;
  readonly retry: (taskId: string) => Promise<Answer<Retry>>;
  /** Why nothing can be done at the moment, whichever task it is. */
  readonly isStop: (refusal: Refusal) => boolean;
}

/** Tasks may be large. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Looked at together, however few are left to retry. */
const LEAST_IN_PAGE = 100;
/** Each costs as much as one that is retried. */
const MOST_REFUSED = 1000;

/**
 * Retries the newest `limit` ended tasks that can be; some at a time. Those that cannot are passed by, for they stay what they are
 * and would stand before all older ones for ever.
 */
export async function retryMany(
  { limit, before: from, ...asked }: RetryMany,
  { store, retry, isStop }: Retrying,
): Promise<Retried | Refusal> {
  let [retried, refused, before, more] = [0, 0, from, true];
  while (more) {
    const query: TaskQuery = { ...asked, limit: Math.max(limit - retried, LEAST_IN_PAGE), maxBytes: MOST_BYTES };
    const page = await store.tasks(before === undefined ? query : { ...query, before });
    more = page.more;
    for (let rest = page.items; rest.length > 0; ) {
      // As many as may be: all of them could be retried.
      const some = rest.slice(0, limit - retried);
      rest = rest.slice(some.length);
      const answers = await Promise.all(some.map(({ id }) => retry(id)));
      const stop = answers.find((answer) => answer instanceof Refusal && isStop(answer));
      if (stop instanceof Refusal) return stop;
      const again = answers.filter(runsAgain).length;
      retried += again;
      refused += some.length - again;
      before = some.at(-1)!.seq;
      if (retried === limit) return { retried, refused, leftOff: null };
      if (refused >= MOST_REFUSED) return { retried, refused, leftOff: more || rest.length > 0 ? before : null };
    }
  }
  return { retried, refused, leftOff: null };
}

function runsAgain(answer: Refusal | { readonly task: Task }): boolean {
  return !(answer instanceof Refusal) && answer.task.status !== 'rejected';
}
