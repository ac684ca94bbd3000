import { contentHash } from '../../core/chain.ts';
import { timestamp } from '../../core/clock.ts';
import type { CastBallot, ExpireVote, OpenVote, Replies } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import type { Task } from '../../core/task.ts';
import { documentOf, type Vote, type VoteStatus, voteFrom, voteName } from '../../core/vote.ts';
import { standing } from '../../guardian/consensus.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { cancelDependents, goOn } from './ending.ts';
import { noSuchVote } from './missing.ts';
import { about, closeVote, openVote } from './vote-records.ts';

/** The votes: opened on a task or on anything else, closed as soon as their outcome is certain; the task moves with them. */

export function needs(slice: Slice, command: CastBallot | ExpireVote, wanted: Wanted): void {
  if (!wanted.document(voteName(command.voteId))) return;
  const document = slice.document(voteName(command.voteId));
  const taskId = document && voteFrom(document).taskId;
  const task = taskId !== null && wanted.task(taskId) && slice.task(taskId);
  if (task && !('removed' in task)) wanted.fall(task.id);
}

export function open(slice: Slice, command: OpenVote): Decision<Replies['open_vote']> {
  const change = new Change(slice, command.actor);
  const { id, decision, participants, threshold, expiresMs } = command;
  return { change, reply: { vote: openVote(change, { id, decision, participants, threshold, expiresMs }) } };
}

export function cast(slice: Slice, command: CastBallot): Decision<Replies['cast_ballot']> | Refusal {
  const document = slice.document(voteName(command.voteId));
  if (!document) return noSuchVote(command.voteId);
  const vote = voteFrom(document);
  const { participant, approve, reason } = command;
  const refusal = mayVote(slice, vote, participant);
  if (refusal) return refusal;

  const change = new Change(slice, command.actor);
  const ballots = [...vote.ballots, { participant, approve, reason, at: slice.now.wall }];
  change.event('vote_cast', 'neurasphere', { approve, participant, ...about(vote) });
  const next = { ...vote, ballots };
  change.updateDocument(document, documentOf(next, document.version));
  const status = standing(next);
  return { change, reply: { vote: status === 'open' ? next : close(change, next, status) } };
}

function mayVote(slice: Slice, vote: Vote, participant: string): Refusal | null {
  const { id, status, closesAt, participants, ballots, taskId } = vote;
  if (!participants.includes(participant)) {
    return new Refusal(
      'not_a_participant',
      `${participant} is not among those who may vote: ${participants.join(', ')}.`,
    );
  }
  if (ballots.some((ballot) => ballot.participant === participant)) {
    return new Refusal('ballot_already_cast', `${participant} has voted already; a ballot cannot be changed.`);
  }
  if (status !== 'open') {
    return new Refusal('invalid_transition', `Vote ${id} is ${status}; only open votes take ballots.`);
  }
  const task = taskId === null ? null : slice.task(taskId);
  if (
    slice.rules.guardian.isAuthenticated &&
    task &&
    !('removed' in task) &&
    task.spec.value.created_by === participant
  ) {
    return new Refusal(
      'forbidden',
      `${participant} submitted task ${task.id}; whether it may run is for others to say.`,
    );
  }
  if (closesAt <= slice.now.wall) {
    return new Refusal(
      'invalid_transition',
      `Vote ${id} was open until ${timestamp(closesAt)}; it takes no more ballots.`,
    );
  }
  return null;
}

export function expire(slice: Slice, command: ExpireVote): Decision<Replies['expire_vote']> | Refusal {
  const document = slice.document(voteName(command.voteId));
  if (!document) return noSuchVote(command.voteId);
  const vote = voteFrom(document);
  if (vote.status !== 'open' || vote.closesAt > slice.now.wall) return { change: null, reply: { vote } };
  const change = new Change(slice, command.actor);
  return { change, reply: { vote: close(change, vote, 'expired') } };
}

/** The vote is over, and the task it was on goes on or is rejected. */
function close(change: Change, vote: Vote, status: VoteStatus): Vote {
  const closed = closeVote(change, vote, status);
  const task = vote.taskId === null ? null : change.task(vote.taskId);
  if (task && !('removed' in task) && waitsFor(task, vote)) {
    // Nobody approved what it says now, if that is not what it said when the vote was opened.
    const isSame = contentHash(task.spec.json) === vote.contentHash;
    if (status === 'approved' && isSame) goOn(change, task, 'approval');
    else reject(change, task, closed, isSame ? WHY[status] : 'content_changed');
  }
  return closed;
}

const WHY: Partial<Record<VoteStatus, string>> = { denied: 'vote_denied', expired: 'vote_expired' };

function waitsFor(task: Task, { id }: Vote): boolean {
  return task.status === 'pending' && task.pendingReason === 'approval' && task.vote === id;
}

function reject(change: Change, task: Task, { id, ballots }: Vote, reason = 'vote_denied'): void {
  const said = ballots
    .filter(({ approve }) => !approve)
    .map(({ participant, reason: why }) => (why ? `${participant}: ${why}` : participant));
  const rejected = change.update(task, {
    status: 'rejected',
    pendingReason: null,
    error: [`${reason} (${id})`, ...said].join('; '),
    completedAt: change.slice.now.wall,
  });
  change.event('task_rejected', 'neurasphere', { reason, task_id: task.id, vote_id: id });
  cancelDependents(change, rejected);
}
