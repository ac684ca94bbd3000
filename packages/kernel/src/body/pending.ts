import type { GuardianRules } from '../core/command.ts';
import type { Store, Tombstone } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import { voteFrom } from '../core/vote.ts';
import { approvalsNeeded } from '../guardian/consensus.ts';
import type { Dependency, OpenVote, Pending } from '../mind/waits.ts';
import { waitFor } from './decide/waiting.ts';

/** What a pending task waits for, as it stands with those it waits for. */
export async function pendingOf(task: Task, store: Store, wall: number): Promise<Pending> {
  const { depends_on, run_at } = task.spec.value;
  const { tasks } = await store.load({ tasks: task.unmet > 0 ? depends_on : [] });
  const runAt = run_at === null ? null : Date.parse(run_at);
  return {
    vote: await voteOn(task, store),
    unmet: task.unmet > 0 ? unmetOf(depends_on, tasks) : [],
    dueAt: task.dueAt ?? (isLater(runAt, wall) ? runAt : null),
    isRetry: task.pendingReason === 'retry',
  };
}

/** Whether a task would wait for this time. */
export function isLater(dueAt: number | null, wall: number): boolean {
  return waitFor({ asks: false, unmet: 0, dueAt }, wall) !== null;
}

async function voteOn({ pendingReason, vote: id }: Task, store: Store): Promise<OpenVote | null> {
  const document = pendingReason === 'approval' && id !== null ? await store.document('vote', id) : null;
  if (document === null) return null;
  const vote = voteFrom(document);
  const voted = new Set(vote.ballots.map(({ participant }) => participant));
  return {
    ...{ id, closesAt: vote.closesAt, needed: approvalsNeeded(vote) },
    approvals: vote.ballots.filter(({ approve }) => approve).length,
    notVoted: vote.participants.filter((participant) => !voted.has(participant)),
  };
}

/** The vote that would be opened. */
export function voteToBe(rules: GuardianRules): OpenVote {
  return { id: null, closesAt: null, approvals: 0, needed: approvalsNeeded(rules), notVoted: rules.participants };
}

/** In the order in which they are named. One that retention removed has ended all the same. */
export function unmetOf(ids: readonly string[], tasks: ReadonlyMap<string, Task | Tombstone | null>): Dependency[] {
  return ids.flatMap((id) => {
    const status = tasks.get(id)?.status;
    return status === undefined || status === 'completed' ? [] : [{ id, status }];
  });
}
