import { isDeepStrictEqual } from 'node:util';
import { contentHash } from '../core/chain.ts';
import type { LedgerEntry } from '../core/event.ts';
import type { Task, TaskStatus } from '../core/task.ts';
import type { Ballot, Vote, VoteStatus } from '../core/vote.ts';
import { MemoryTrace } from './memory-trace.ts';
import { comparePlans, followPlan, type SeenPlan, type TracedPlan } from './replay-plans.ts';
import { ScheduleTrace } from './schedule-trace.ts';

/** What the ledger says of a task. */
export interface Traced {
  status: TaskStatus | 'new';
  /** That of its last attempt; it goes back in a rollback, since it belongs to what the task has come to. */
  token: number;
  worker: string | null;
  /** The hash of what was judged last. */
  judged: string | null;
  /** The vote that it waits for. */
  awaits: string | null;
  /** Its last vote did not approve it. */
  isDenied: boolean;
  plan: string | null;
}

export interface TracedVote {
  status: VoteStatus;
  readonly taskId: string | null;
  readonly participants: readonly string[];
  readonly needed: number;
  /** What each of them said. */
  readonly cast: Readonly<Record<string, boolean>>;
}

/** A task as it is stored, or as much of it as somebody sees from outside. */
export type SeenTask = Pick<Task, 'status' | 'pendingReason'> &
  Partial<Pick<Task, 'leaseToken' | 'vote'>> & { readonly spec?: { readonly json: string } };

export type SeenVote = Pick<Vote, 'id' | 'status'> & {
  readonly ballots: readonly Pick<Ballot, 'participant' | 'approve'>[];
};

interface Data {
  readonly status?: TaskStatus | VoteStatus;
  readonly reason?: string;
  readonly lease_token?: number;
  readonly worker_id?: string;
  readonly vote_id?: string;
  readonly participant?: string;
  readonly participants?: readonly string[];
  readonly approvals_needed?: number;
  readonly approve?: boolean;
  readonly checkpoint_id?: string;
  readonly content_hash?: string;
  readonly removed?: number;
  readonly plan_id?: string;
  readonly tasks?: number;
}

/** What a rollback brings back. */
interface Standing {
  readonly tasks: Map<string, Traced>;
  readonly votes: Map<string, TracedVote>;
  readonly plans: Map<string, TracedPlan>;
  readonly schedules: ScheduleTrace['schedules'];
  readonly memory: MemoryTrace['entries'];
}

/** How each type of entry moves a task: from which statuses, to which. */
const MOVES: Record<string, readonly [from: readonly string[], to: TaskStatus]> = {
  task_queued: [['pending'], 'queued'],
  task_assigned: [['queued'], 'executing'],
  task_completed: [['executing'], 'completed'],
  task_failed: [['executing'], 'failed'],
  task_timeout: [['executing'], 'timeout'],
  task_released: [['executing'], 'queued'],
  task_unroutable: [['queued'], 'queued'],
  task_retry_scheduled: [['executing'], 'pending'],
  task_cancelled: [['pending', 'queued', 'executing'], 'cancelled'],
  // Also when it is judged anew because somebody wants it to run again.
  task_rejected: [['pending', 'failed', 'timeout', 'cancelled'], 'rejected'],
};

/**
 * The ledger alone, entry by entry: whatever cannot follow on what came before is complained of, and what it comes to
 * can be compared with what is stored. A checkpoint is a copy here, and a rollback takes the copy.
 */
export class Replay {
  readonly #complain: (text: string) => void;
  readonly #checkpoints = new Map<string, Standing>();
  /** The highest of each task, also of those that are gone: they never go back. */
  readonly #tokens = new Map<string, number>();
  tasks = new Map<string, Traced>();
  votes = new Map<string, TracedVote>();
  plans = new Map<string, TracedPlan>();
  readonly schedules: ScheduleTrace;
  readonly memory: MemoryTrace;
  /** Tasks that a rollback has taken away, at some time. */
  readonly everRemoved = new Set<string>();
  /** Tasks that had ended, and had not any more after a rollback. */
  readonly everUndone = new Set<string>();

  constructor(complain: (text: string) => void) {
    this.#complain = complain;
    this.schedules = new ScheduleTrace(complain);
    this.memory = new MemoryTrace(complain);
  }

  follow(entry: LedgerEntry): void {
    const data = JSON.parse(entry.data) as Data;
    if (entry.type === 'checkpoint_created') {
      this.#checkpoints.set(data.checkpoint_id!, structuredClone(this.#standing()));
    } else if (entry.type === 'checkpoint_deleted') this.#checkpoints.delete(data.checkpoint_id!);
    else if (entry.type === 'rollback_completed') this.#goBack(data);
    else if (entry.type.startsWith('schedule_')) this.schedules.follow(entry);
    else if (entry.type.startsWith('memory_')) this.memory.follow(entry);
    else if (data.vote_id !== undefined && entry.type.startsWith('vote_')) this.#followVote(entry, data);
    else if (entry.type.startsWith('plan_')) followPlan(this.plans, { type: entry.type, data }, this.#complain);
    else if (entry.taskId !== null) this.#followTask(entry, entry.taskId, data);
  }

  /** Whether it comes to exactly what is stored. */
  compare(tasks: ReadonlyMap<string, SeenTask>, votes: readonly SeenVote[], plans: readonly SeenPlan[]): void {
    comparePlans(this.plans, plans, this.tasks.values(), this.#complain);
    for (const [id, task] of tasks) {
      const trace = this.tasks.get(id);
      if (trace?.status !== task.status)
        this.#complain(`invariant 10: ${id} is ${task.status}, the ledger says ${trace?.status}`);
      if (task.leaseToken !== undefined && (this.#tokens.get(id) ?? 0) !== task.leaseToken)
        this.#complain(`invariant 10: ${id} has another token than the ledger`);
      if (trace && trace.status !== 'rejected' && task.spec && trace.judged !== contentHash(task.spec.json))
        this.#complain(`invariant 8: ${id} is not what was judged`);
      const isAsking = task.pendingReason === 'approval';
      if (trace && (isAsking !== (trace.awaits !== null) || (isAsking && (task.vote ?? trace.awaits) !== trace.awaits)))
        this.#complain(
          `invariant 8: ${id} is ${task.status} ${task.pendingReason}, the vote it waits for ${trace.awaits}`,
        );
    }
    for (const id of this.tasks.keys())
      if (!tasks.has(id)) this.#complain(`invariant 10: the ledger tells of ${id}, which is not stored`);
    for (const { id, status, ballots } of votes) {
      const trace = this.votes.get(id);
      if (trace?.status !== status)
        this.#complain(`invariant 10: vote ${id} is ${status}, the ledger says ${trace?.status}`);
      const cast = Object.fromEntries(ballots.map(({ participant, approve }) => [participant, approve]));
      if (trace && !isDeepStrictEqual({ ...trace.cast }, cast))
        this.#complain(`invariant 10: vote ${id} has other ballots than the ledger`);
    }
    if (votes.length !== this.votes.size)
      this.#complain(`invariant 10: ${votes.length} votes, the ledger says ${this.votes.size}`);
  }

  #standing(): Standing {
    return {
      tasks: this.tasks,
      votes: this.votes,
      plans: this.plans,
      schedules: this.schedules.schedules,
      memory: this.memory.entries,
    };
  }

  /** 13: what the checkpoint says, but for leases and tokens. */
  #goBack(data: Data): void {
    const to = structuredClone(this.#checkpoints.get(data.checkpoint_id!));
    if (!to) {
      this.#complain(`invariant 13: there is no checkpoint ${data.checkpoint_id}`);
      return;
    }
    let removed = 0;
    for (const [id, { status }] of this.tasks) {
      if (status === 'executing') this.#complain(`invariant 13: ${id} kept its lease over a rollback`);
      if (!to.tasks.has(id)) {
        removed++;
        this.everRemoved.add(id);
      }
      if (to.tasks.get(id)?.status !== status) this.everUndone.add(id);
    }
    if (removed !== data.removed)
      this.#complain(`invariant 13: ${data.removed} tasks removed, the ledger comes to ${removed}`);
    for (const trace of to.tasks.values())
      if (trace.status === 'executing') Object.assign(trace, { status: 'queued', worker: null });
    this.tasks = to.tasks;
    this.votes = to.votes;
    this.plans = to.plans;
    this.schedules.goBack(to.schedules);
    this.memory.goBack(to.memory);
  }

  /** 9: who was named when it was opened, once, while it is open. */
  #followVote(entry: LedgerEntry, data: Data): void {
    const { vote_id, participant, status } = data;
    const vote = this.votes.get(vote_id!);
    const task = entry.taskId === null ? undefined : this.tasks.get(entry.taskId);
    if (entry.type === 'vote_opened') {
      if (vote) this.#complain(`invariant 9: vote ${vote_id} was opened twice`);
      const { participants, approvals_needed: needed } = data;
      const asked = { taskId: entry.taskId, participants: participants!, needed: needed! };
      this.votes.set(vote_id!, { status: 'open', ...asked, cast: {} });
      if (task) task.awaits = vote_id!;
      return;
    }
    if (vote?.status !== 'open') {
      this.#complain(`invariant 9: ${entry.type} of ${vote_id}, which is not open`);
      return;
    }
    if (entry.type === 'vote_cast') {
      if (Object.hasOwn(vote.cast, participant!) || !vote.participants.includes(participant!))
        this.#complain(`invariant 9: ${participant} may not vote on ${vote_id}, or not again`);
      this.votes.set(vote_id!, { ...vote, cast: { ...vote.cast, [participant!]: data.approve! } });
      return;
    }
    const said = Object.values(vote.cast);
    const approvals = said.filter((approve) => approve).length;
    const most = vote.participants.length - said.length + approvals;
    if (status === 'approved' ? approvals < vote.needed : status === 'denied' && most >= vote.needed)
      this.#complain(`invariant 9: vote ${vote_id} is ${status} with ${approvals} of ${vote.needed} approvals`);
    vote.status = status as VoteStatus;
    if (task && task.awaits === vote_id) Object.assign(task, { awaits: null, isDenied: status !== 'approved' });
  }

  #followTask(entry: LedgerEntry, id: string, data: Data): void {
    let trace = this.tasks.get(id);
    if (!trace) {
      trace = { status: 'new', token: 0, worker: null, judged: null, awaits: null, isDenied: false, plan: null };
      this.tasks.set(id, trace);
    }
    const before = trace.status;
    if (entry.type === 'task_submitted') trace.plan = data.plan_id ?? null;
    const isJudged = entry.type === 'task_validated';
    if (isJudged) Object.assign(trace, { judged: data.content_hash!, isDenied: false });
    else {
      const [from, to] = moveOf(entry, data);
      if (!from.includes(before)) {
        this.#complain(`invariant 6: ${entry.type} (${entry.id}) of ${id}, which was ${before}`);
      }
      trace.status = to;
      if (to === 'queued' || to === 'executing') this.#mayRun(trace, id);
    }
    if (entry.type === 'task_assigned') {
      if (data.lease_token! <= (this.#tokens.get(id) ?? 0)) this.#complain(`invariant 4: the token of ${id} went back`);
      this.#tokens.set(id, data.lease_token!);
      trace.token = data.lease_token!;
      trace.worker = data.worker_id!;
    } else if (entry.source.startsWith('worker:') && entry.source !== `worker:${trace.worker}`) {
      this.#complain(`invariant 3: ${entry.source} ended a lease of ${id} that ${trace.worker} held`);
    }
  }

  /** 8: it was judged, and whoever was to approve it has. */
  #mayRun({ judged, awaits, isDenied }: Traced, id: string): void {
    if (judged === null || awaits !== null || isDenied)
      this.#complain(`invariant 8: ${id} went on without a verdict or before its vote`);
  }
}

function moveOf({ type }: LedgerEntry, { status, reason }: Data): readonly [from: readonly string[], to: TaskStatus] {
  if (type === 'task_submitted') return [['new'], status as TaskStatus];
  if (type !== 'task_requeued') return MOVES[type] ?? [[], 'rejected'];
  const isByHand = reason === 'retried_by_hand';
  return isByHand
    ? [['failed', 'timeout', 'cancelled'], (status as TaskStatus | undefined) ?? 'queued']
    : [['executing'], 'queued'];
}
