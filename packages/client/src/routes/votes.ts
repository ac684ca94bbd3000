import type { CallOptions } from '../client-options.ts';
import type { Vote, VoteInput, VoteStatus } from '../types.ts';
import { get, post, segment } from './calls.ts';
import { SystemRoutes } from './system.ts';

/** What reviewers do: look what is to be decided, and say yes or no. */
export abstract class VoteRoutes extends SystemRoutes {
  /** Newest first. */
  listVotes(query: { status?: VoteStatus; limit?: number } = {}, options: CallOptions = {}): Promise<Vote[]> {
    return this.requester.json({ ...get('/votes', options.signal), query: { ...query } });
  }

  getVote(id: string, options: CallOptions = {}): Promise<Vote> {
    return this.requester.json(get(`/votes/${segment(id)}`, options.signal));
  }

  openVote(vote: VoteInput, options: CallOptions = {}): Promise<Vote> {
    return this.requester.json(post('/votes', vote, 'unsent', options.signal));
  }

  /** @throws ColonyError 409 `ballot_already_cast`, 403 `not_a_participant`, 409 `invalid_transition` when it is closed */
  castBallot(
    voteId: string,
    ballot: { participant: string; approve: boolean; reason?: string },
    options: CallOptions = {},
  ): Promise<Vote> {
    return this.requester.json(post(`/votes/${segment(voteId)}/ballots`, ballot, 'unsent', options.signal));
  }
}
