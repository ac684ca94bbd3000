import type { Refusal } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { MemoryCommand, MemoryReplies, MemoryRules } from './memory.ts';
import type { MindRules } from './mind-rules.ts';
import type { OnFailure, Plan } from './plan.ts';
import type { RuleTypes } from './rule-types.ts';
import type { ScheduleCommand, ScheduleReplies } from './schedule.ts';
import type { Task, TaskSpec } from './task.ts';
import type { Vote } from './vote.ts';
import type { Capability, Worker } from './worker.ts';

/**
 * Everything that can be asked of the body. A command is plain data: what it needs of the world (ids, random numbers,
 * the principal) arrives inside it, so that deciding it is a pure function.
 */
export type Command =
  | Submit
  | SubmitPlan
  | CancelPlan
  | Cancel
  | Retry
  | Register
  | Heartbeat
  | Drain
  | Unregister
  | Claim
  | Complete
  | Fail
  | ReportProgress
  | Release
  | LoseWorker
  | RevokeLeases
  | TryWorker
  | ReleaseWorker
  | EndAttempt
  | Promote
  | Recover
  | MarkUnroutable
  | GoOnReleasing
  | SetPolicy
  | OpenVote
  | CastBallot
  | ExpireVote
  | ScheduleCommand
  | MemoryCommand
  | Announce;

interface Base {
  /** Who asks: a principal's name, `worker:<id>`, or `kernel`. */
  readonly actor: string;
}

/** Hands in one or more tasks, all or none. */
export interface Submit extends Base {
  readonly kind: 'submit';
  readonly tasks: readonly NewTask[];
  /** Makes the whole submission happen once. */
  readonly idempotency?: IdempotencyKey;
}

/** Hands in tasks that belong together, all or none. */
export interface SubmitPlan extends Base {
  readonly kind: 'submit_plan';
  readonly id: string;
  readonly goal: string;
  readonly onFailure: OnFailure;
  readonly createdBy: string;
  /** The parent of its tasks that have no other. */
  readonly parentId: string | null;
  /** What they depend on are each other's ids. */
  readonly tasks: readonly PlannedTask[];
  /** Their places, such that none comes before what it depends on. */
  readonly order: readonly number[];
  readonly idempotency?: IdempotencyKey;
}

/** Calls off what is left of a plan. */
export interface CancelPlan extends Base {
  readonly kind: 'cancel_plan';
  readonly planId: string;
  /**
   * Only goes on with what was begun, since a large plan is called off some hundreds of tasks at a time: because whoever asked for
   * it sees to it (`asked`), or because nobody seems to (`due`).
   */
  readonly goesOn?: 'asked' | 'due';
}

/** What is judged when it is decided. */
export interface Judged {
  /** What the guardian has said already, ahead of the decision: see `judging.ts`. */
  foretold?: object;
}

export interface NewTask extends Judged {
  readonly id: string;
  readonly spec: TaskSpec;
  /** The specification as JSON text, and the SHA-256 (hex) of that text: what a verdict binds to. */
  readonly json: string;
  readonly contentHash: string;
  readonly lane: string;
  /** Where the task stands in the request, as the start of a JSON pointer: '' or `/tasks/3`. */
  readonly path: string;
}

/** A task with the name it has in its plan. */
export interface PlannedTask extends NewTask {
  readonly key: string;
}

export interface IdempotencyKey {
  /** Unique within the colony: made of principal, route and the caller's key. */
  readonly key: string;
  /** SHA-256 (hex) of the canonical body. */
  readonly bodyHash: string;
}

export interface Cancel extends Base {
  readonly kind: 'cancel';
  readonly taskId: string;
  /** Its unfinished descendants too. */
  readonly cascade: boolean;
}

/** Runs an ended task again, by hand. */
export interface Retry extends Base, Judged {
  readonly kind: 'retry';
  readonly taskId: string;
}

export interface Register extends Base {
  readonly kind: 'register';
  readonly id: string;
  readonly name: string;
  readonly capabilities: readonly Capability[];
  readonly attributes: JsonObject;
  readonly maxConcurrentTasks: number;
}

/** A sign of life that may change something: it names what the worker holds, or the worker had been given up. */
export interface Heartbeat extends Base {
  readonly kind: 'heartbeat';
  readonly workerId: string;
  readonly tasks?: readonly string[];
}

/** No new work; gone once it holds nothing. */
export interface Drain extends Base {
  readonly kind: 'drain';
  readonly workerId: string;
}

export interface Unregister extends Base {
  readonly kind: 'unregister';
  readonly workerId: string;
  readonly reason: 'unregistered' | 'retention';
}

export interface Claim extends Base {
  readonly kind: 'claim';
  readonly workerId: string;
  readonly max: number;
  /** What the mind has chosen for it, among all that wait; absent: it takes the best it can get. */
  readonly chosen?: readonly Chosen[];
}

export interface Chosen {
  readonly taskId: string;
  /** Why it is to have it, as it is kept with the task. */
  readonly routing: string;
}

interface WithLease extends Base {
  readonly taskId: string;
  readonly leaseToken: number;
}

export interface Complete extends WithLease {
  readonly kind: 'complete';
  /** The result as JSON text. */
  readonly result: string;
}

export interface Fail extends WithLease {
  readonly kind: 'fail';
  readonly error: string;
  readonly errorTrace: string | null;
  readonly retryable: boolean;
  /** Evenly drawn from [0, 1): decides the jitter of a retry. */
  readonly random: number;
}

export interface ReportProgress extends WithLease {
  readonly kind: 'progress';
  readonly fraction: number | null;
  readonly message: string | null;
}

export interface Release extends WithLease {
  readonly kind: 'release';
}

/** The sweeper: nothing was heard of a worker for a whole lease. */
export interface LoseWorker extends Base {
  readonly kind: 'lose_worker';
  readonly workerId: string;
}

/** All leases of a worker are void: what the store knows of them may not be what was promised. */
export interface RevokeLeases extends Base {
  readonly kind: 'revoke_leases';
  readonly workerId: string;
  /** `failover` unless it says so. */
  readonly reason?: 'failover' | 'rollback';
}

/** The sweeper: a worker has been in quarantine for long enough to be tried again. */
export interface TryWorker extends Base {
  readonly kind: 'try_worker';
  readonly workerId: string;
}

/** Somebody lets a worker out of quarantine, or forgives it what it has failed at. */
export interface ReleaseWorker extends Base {
  readonly kind: 'release_worker';
  readonly workerId: string;
}

/** The sweeper: an attempt ran over its timeout. */
export interface EndAttempt extends Base {
  readonly kind: 'end_attempt';
  readonly taskId: string;
  readonly leaseToken: number;
  readonly random: number;
}

/** The sweeper: the time a pending task waited for has come. */
export interface Promote extends Base {
  readonly kind: 'promote';
  readonly taskId: string;
}

/** The sweeper: more tasks wait for one that has completed than go on in one transaction. */
export interface GoOnReleasing extends Base {
  readonly kind: 'go_on_releasing';
  readonly taskId: string;
}

/** At start: the steady clock is a new one, so a running attempt needs a new deadline. */
export interface Recover extends Base {
  readonly kind: 'recover';
  readonly taskId: string;
}

/** The sweeper: no worker that is registered could ever take a queued task. */
export interface MarkUnroutable extends Base {
  readonly kind: 'mark_unroutable';
  readonly taskId: string;
  /** What it needs, in words. */
  readonly reason: string;
  /** Wall time since which that is so; what was told after that is not told again. */
  readonly since: number;
}

/** Puts a whole policy into force. */
export interface SetPolicy extends Base {
  readonly kind: 'set_policy';
  /** As it is written; its version is the kernel's business. */
  readonly policy: JsonObject;
  /** The version that it takes the place of; null: whatever it is. */
  readonly expected: number | null;
  /** Of one that comes out of a file: what tells this from other contents of it. */
  readonly file?: string;
}

/** Puts a question to some, that is not about a task. */
export interface OpenVote extends Base {
  readonly kind: 'open_vote';
  readonly id: string;
  readonly decision: string;
  readonly participants: readonly string[];
  readonly threshold: number;
  readonly expiresMs: number;
}

export interface CastBallot extends Base {
  readonly kind: 'cast_ballot';
  readonly voteId: string;
  readonly participant: string;
  readonly approve: boolean;
  readonly reason: string | null;
}

/** The sweeper: the time for a vote is over. */
export interface ExpireVote extends Base {
  readonly kind: 'expire_vote';
  readonly voteId: string;
}

/** The kernel says of itself that it started or stopped, or of the store that it went back. */
export interface Announce extends Base {
  readonly kind: 'announce';
  readonly event: 'kernel_started' | 'kernel_stopped' | 'rollback_completed';
  readonly data: JsonObject;
}

/** A task that a worker has just been given. */
export interface Assignment {
  readonly task: Task;
  readonly token: number;
}

/** What each command answers when it is carried out. */
export interface Replies extends ScheduleReplies, MemoryReplies {
  submit: { tasks: readonly Task[]; replayed: boolean };
  submit_plan: { plan: Plan; tasks: Readonly<Record<string, string>>; replayed: boolean };
  cancel_plan: { plan: Plan };
  cancel: { task: Task };
  retry: { task: Task };
  register: { worker: Worker };
  heartbeat: { worker: Worker };
  drain: { worker: Worker };
  unregister: { worker: Worker };
  claim: { assignments: readonly Assignment[] };
  complete: { task: Task };
  fail: { task: Task };
  progress: { task: Task };
  release: { task: Task };
  lose_worker: { worker: Worker };
  revoke_leases: { worker: Worker };
  /** Null: it has left. */
  try_worker: { worker: Worker | null };
  release_worker: { worker: Worker };
  end_attempt: { task: Task };
  promote: { task: Task };
  recover: { task: Task };
  mark_unroutable: { task: Task };
  go_on_releasing: object;
  set_policy: { policy: JsonObject };
  open_vote: { vote: Vote };
  cast_ballot: { vote: Vote };
  expire_vote: { vote: Vote };
  announce: Record<never, never>;
}

export type Reply<C extends Command> = Replies[C['kind']];
export type Answer<C extends Command> = Reply<C> | Refusal;

/** Limits and switches that decisions depend on; frozen at start. */
export interface Rules {
  /** How many tasks execute at once in the whole colony; 0 = no limit. */
  readonly maxConcurrentTasks: number;
  /** How many of one group; 0 = no limit. */
  readonly maxConcurrentPerGroup: number;
  /** After each such span in the queue a task counts as of a higher priority; 0 = never. */
  readonly priorityAgingMs: number;
  /** How long a lease lives from the worker's last sign of life. */
  readonly leaseMs: number;
  /** How deep tasks may be nested by `parent_id`. */
  readonly maxTaskDepth: number;
  /** How many leases a task may lose in a row before it fails. */
  readonly maxLeaseLosses: number;
  /** What a recovered attempt gets at least. */
  readonly recoveryGraceMs: number;
  readonly guardian: GuardianRules;
  readonly mind: MindRules;
  readonly memory: MemoryRules;
}

/** Who decides on what the policy does not let through by itself, and how. */
export interface GuardianRules {
  /** Types of rules that the operator's own modules bring. */
  readonly types: RuleTypes;
  readonly participants: readonly string[];
  /** The share of them that must approve. */
  readonly threshold: number;
  readonly voteExpiresMs: number;
  /** How much more than the colony a worker may fail, as a difference of shares. */
  readonly driftThreshold: number;
  /** Names are what tokens say, not what callers say: nobody may vote on a task of their own. */
  readonly isAuthenticated: boolean;
}
