import type { CallOptions } from '../client-options.ts';
import type { Evaluation, Policy, Vote, VoteInput, VoteStatus } from '../guardian-types.ts';
import type { TaskInput } from '../types.ts';
import { get, post, segment } from './calls.ts';
import { SystemRoutes } from './system.ts';

/** What may be handed in at all, and what reviewers do: look what is to be decided, and say yes or no. */
export abstract class GuardianRoutes extends SystemRoutes {
  getPolicy(options: CallOptions = {}): Promise<Policy> {
    return this.requester.json(get('/guardian/policy', options.signal));
  }

  /**
   * Puts a whole policy into force.
   * @param options.expected the version that it is to replace
   * @throws ColonyError 422 with what is wrong and where, 412 `version_mismatch`
   */
  setPolicy(
    { rules, limits }: Pick<Policy, 'rules' | 'limits'>,
    options: CallOptions & { expected?: number } = {},
  ): Promise<Policy> {
    const { expected, signal } = options;
    const headers = expected === undefined ? {} : { 'if-match': `"${expected}"` };
    const call = { path: '/guardian/policy', body: JSON.stringify({ rules, limits }), headers };
    return this.requester.json({ ...call, method: 'PUT', repeat: 'unsent', signal });
  }

  /** What the policy says of a task; nothing is stored. */
  evaluate(task: TaskInput, options: CallOptions = {}): Promise<Evaluation> {
    return this.requester.json(post('/guardian/evaluate', task, 'safe', options.signal));
  }

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
