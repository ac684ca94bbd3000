import { createHash } from 'node:crypto';
import type * as Commands from '../../core/command.ts';
import type { Vote } from '../../core/vote.ts';
import { type ModelVote, Refused } from './colony.ts';
import { Tasks } from './tasks.ts';

/** What some are asked, and what follows from what they say. */
export class Votes extends Tasks {
  protected openVote({ id, decision, participants, threshold, expiresMs }: Commands.OpenVote): ModelVote {
    const contentHash = createHash('sha256').update(decision).digest('hex');
    return this.ask({ id, decision, participants, threshold, expiresMs, contentHash, taskId: null });
  }

  protected castBallot({ voteId, participant, approve, reason }: Commands.CastBallot): ModelVote {
    const vote = this.#find(voteId);
    if (!vote.participants.includes(participant)) throw new Refused('not_a_participant');
    if (vote.ballots.some((ballot) => ballot.participant === participant)) throw new Refused('ballot_already_cast');
    if (vote.status !== 'open' || this.now.wall >= vote.closesAt) throw new Refused('invalid_transition');
    vote.ballots = [...vote.ballots, { participant, approve, reason, at: this.now.wall }];
    this.say('vote_cast', 'neurasphere', { approve, participant, ...this.aboutVote(vote) });
    const status = outcome(vote);
    if (status !== 'open') this.#close(vote, status);
    return vote;
  }

  protected expireVote({ voteId }: Commands.ExpireVote): ModelVote {
    const vote = this.#find(voteId);
    if (vote.status === 'open' && this.now.wall >= vote.closesAt) this.#close(vote, 'expired');
    return vote;
  }

  #find(id: string): ModelVote {
    const vote = this.votes.find((one) => one.id === id);
    if (!vote) throw new Refused('vote_not_found');
    return vote;
  }

  #close(vote: ModelVote, status: Vote['status']): void {
    this.endVote(vote, status);
    const task = this.tasks.find((one) => one.vote === vote.id && one.pendingReason === 'approval');
    if (!task) return;
    if (status !== 'approved') {
      const reason = status === 'expired' ? 'vote_expired' : 'vote_denied';
      const against = vote.ballots.filter(({ approve }) => !approve);
      const said = against.map((ballot) => ballot.participant + (ballot.reason ? `: ${ballot.reason}` : ''));
      const error = [`${reason} (${vote.id})`, ...said].join('; ');
      Object.assign(task, { status: 'rejected', pendingReason: null, error, completedAt: this.now.wall });
      this.say('task_rejected', 'neurasphere', { reason, task_id: task.id, vote_id: vote.id });
      this.fall(task);
    } else if (this.unmet(task.spec) > 0) task.pendingReason = 'dependencies';
    else this.goOn(task, 'approval');
  }
}

/** Counted out for every way in which those who have not voted could. */
function outcome({ participants, ballots, threshold }: ModelVote): Vote['status'] {
  const approvals = ballots.filter(({ approve }) => approve).length;
  const passes = (count: number) => count / participants.length >= threshold;
  const outstanding = participants.length - ballots.length;
  const ways = Array.from({ length: outstanding + 1 }, (_, more) => passes(approvals + more));
  if (ways.every((way) => way)) return 'approved';
  return ways.some((way) => way) ? 'open' : 'denied';
}
