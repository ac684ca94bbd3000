import type { Change } from '../change.ts';

/** What a command comes to when it is carried out: what changes (null: nothing), and what to answer. */
export interface Decision<R> {
  readonly change: Change | null;
  readonly reply: R;
}
