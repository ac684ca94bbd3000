import type { ChainedEntry } from './event.ts';

/**
 * The append-only log: in commit order, gapless from 1, chained by hash. A store with one writer chains entries as it
 * appends them; one with several appends first, and `seal` chains afterwards.
 */
export interface Ledger {
  span(): Promise<LedgerSpan>;
  /** Up to `limit` entries after `after`, oldest first; an empty answer means there are none yet. */
  read(after: number, limit: number): Promise<readonly ChainedEntry[]>;
  /** The newest `limit` that match, or with `since` the first `limit` after it; oldest first either way. */
  query(query: LedgerQuery): Promise<readonly ChainedEntry[]>;
  /** Chains what has been appended and is not chained yet; answers how far the chain then reaches. */
  seal(): Promise<number>;
  /** Seals, then recomputes the chain from what is stored, a piece at a time. */
  verify(): Promise<Verification>;
}

export interface LedgerSpan {
  /** The oldest entry still kept; positions before `first - 1` are gone. */
  readonly first: number;
  /** The newest entry; 0 when there has been none. */
  readonly last: number;
  /** The newest entry that is chained, and its hash. */
  readonly sealedTo: number;
  readonly hash: string;
}

export interface LedgerQuery {
  readonly type?: string;
  readonly taskId?: string;
  readonly workerId?: string;
  readonly actor?: string;
  readonly since?: number;
  readonly limit: number;
}

export interface Verification {
  readonly valid: boolean;
  /** How many entries were checked. */
  readonly entries: number;
  readonly head: string;
  readonly firstInvalidId: number | null;
}
