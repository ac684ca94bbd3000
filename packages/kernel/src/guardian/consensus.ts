import type { Vote, VoteStatus } from '../core/vote.ts';

/** How many approvals it takes. */
export function approvalsNeeded({ participants, threshold }: Pick<Vote, 'participants' | 'threshold'>): number {
  // The share itself is what was asked for: 2 of 3 are at least 0.66 of them, whatever 0.66 × 3 comes to.
  let needed = 1;
  while (needed < participants.length && needed / participants.length < threshold) needed++;
  return needed;
}

/** Where a vote stands by its ballots: closed as soon as no further ballot could change how it ends. */
export function standing(vote: Pick<Vote, 'participants' | 'threshold' | 'ballots'>): VoteStatus {
  const needed = approvalsNeeded(vote);
  const approvals = vote.ballots.filter(({ approve }) => approve).length;
  if (approvals >= needed) return 'approved';
  const outstanding = vote.participants.length - vote.ballots.length;
  return approvals + outstanding < needed ? 'denied' : 'open';
}
