import type { Document } from './document.ts';
import type { JsonObject } from './json.ts';

export const VOTE_STATUSES = ['open', 'approved', 'denied', 'expired', 'cancelled'] as const;
export type VoteStatus = (typeof VOTE_STATUSES)[number];

export interface Ballot {
  readonly participant: string;
  readonly approve: boolean;
  readonly reason: string | null;
  readonly at: number;
}

/** A question put to some who were named when it was opened: whether a task may run, or anything else. */
export interface Vote {
  readonly id: string;
  readonly status: VoteStatus;
  /** What is decided, in words. */
  readonly decision: string;
  /** SHA-256 (hex) of what is decided: of the task's specification, or of the words. */
  readonly contentHash: string;
  /** Who may vote, each once; fixed. */
  readonly participants: readonly string[];
  /** The share of the participants that must approve: above 0, at most 1. */
  readonly threshold: number;
  readonly ballots: readonly Ballot[];
  readonly openedAt: number;
  readonly closesAt: number;
  readonly closedAt: number | null;
  readonly taskId: string | null;
}

/** What a vote is called among documents. */
export function voteName(id: string): string {
  return `vote ${id}`;
}

/** As it is kept. */
export function documentOf(vote: Vote, version: number): Document {
  const { id, status, openedAt, closesAt, closedAt, ...body } = vote;
  return {
    ...{ collection: 'vote', id, version, state: status, createdAt: openedAt },
    dueAt: status === 'open' ? closesAt : null,
    endedAt: closedAt,
    body: { ...body, closesAt } as unknown as JsonObject,
  };
}

export function voteFrom({ id, state, createdAt, endedAt, body }: Document): Vote {
  const rest = body as unknown as Omit<Vote, 'id' | 'status' | 'openedAt' | 'closedAt'>;
  return { ...rest, id, status: state as VoteStatus, openedAt: createdAt, closedAt: endedAt };
}
