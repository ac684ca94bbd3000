import { contentHash } from '../../core/chain.ts';
import { timestamp } from '../../core/clock.ts';
import type { Task } from '../../core/task.ts';
import { documentOf, type Vote, type VoteStatus, voteFrom, voteName } from '../../core/vote.ts';
import { approvalsNeeded } from '../../guardian/consensus.ts';
import type { Change } from '../change.ts';

/** What becomes of a vote as such, whatever follows from it. */

export type Question = Pick<Vote, 'id' | 'decision' | 'participants' | 'threshold'> & { readonly expiresMs: number };

/** @param task what it is about, with the hash of its specification; else it is about the words */
export function openVote(change: Change, question: Question, task?: { id: string; contentHash: string }): Vote {
  const { expiresMs, ...asked } = question;
  const { wall } = change.slice.now;
  const vote: Vote = {
    ...asked,
    ...{ status: 'open', ballots: [], openedAt: wall, closesAt: wall + expiresMs, closedAt: null },
    contentHash: task?.contentHash ?? contentHash(asked.decision),
    taskId: task?.id ?? null,
  };
  change.createDocument(documentOf(vote, 1));
  change.event('vote_opened', 'neurasphere', {
    approvals_needed: approvalsNeeded(vote),
    closes_at: timestamp(vote.closesAt),
    content_hash: vote.contentHash,
    participants: [...vote.participants],
    ...about(vote),
  });
  return vote;
}

export function closeVote(change: Change, vote: Vote, status: VoteStatus): Vote {
  const document = change.document(voteName(vote.id))!;
  const closed: Vote = { ...vote, status, closedAt: change.slice.now.wall };
  change.updateDocument(document, documentOf(closed, document.version));
  const approvals = vote.ballots.filter(({ approve }) => approve).length;
  change.event('vote_closed', 'neurasphere', {
    approvals,
    denials: vote.ballots.length - approvals,
    status,
    ...about(vote),
  });
  return closed;
}

/** A task that waits for its vote ends otherwise: there is nothing to vote on any more. */
export function callOffVote(change: Change, task: Task): void {
  if (task.pendingReason !== 'approval' || task.vote === null) return;
  const document = change.document(voteName(task.vote));
  if (document?.state === 'open') closeVote(change, voteFrom(document), 'cancelled');
}

/** The members that every event of a vote ends with. */
export function about({ id, taskId }: Vote): { task_id?: string; vote_id: string } {
  return { ...(taskId === null ? {} : { task_id: taskId }), vote_id: id };
}
