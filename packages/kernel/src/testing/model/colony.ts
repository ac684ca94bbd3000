import { backoffMs } from '../../body/retry.ts';
import type { Now } from '../../core/clock.ts';
import type { Rules } from '../../core/command.ts';
import type { ProblemCode } from '../../core/errors.ts';
import type { LedgerType, NewEvent } from '../../core/event.ts';
import type { JsonObject } from '../../core/json.ts';
import type { IdempotencyRecord } from '../../core/store.ts';
import { type Task, type TaskSpec, TERMINAL } from '../../core/task.ts';
import type { Vote } from '../../core/vote.ts';
import type { Worker } from '../../core/worker.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type ModelTask = Mutable<Omit<Task, 'seq' | 'version' | 'spec'>> & {
  spec: TaskSpec;
  removed: boolean;
  /** Its place among all. */
  place: number;
};
export type ModelVote = Mutable<Vote>;
export type ModelWorker = Mutable<Omit<Worker, 'version' | 'experience'>> & { attempts: ModelAttempt[] };

/** How one of a worker's attempts at a task ended. */
interface ModelAttempt {
  readonly capability: string;
  readonly failed: boolean;
  readonly elapsedMs: number;
  readonly at: number;
}

/** Thrown by the model where the body answers with a refusal. */
export class Refused {
  readonly code: ProblemCode;

  constructor(code: ProblemCode) {
    this.code = code;
  }
}

/**
 * The colony as a model: arrays in order of submission, looked through from end to end. It knows no slices, lanes,
 * versions or closures; what it shares with the body is only the language of commands and events.
 */
export class Colony {
  readonly tasks: ModelTask[] = [];
  readonly workers: ModelWorker[] = [];
  votes: ModelVote[] = [];
  /** Votes that were ever opened. */
  asked = 0;
  readonly keys: IdempotencyRecord[] = [];
  readonly rules: Rules;
  /** What the command under way has told so far. */
  events: NewEvent[] = [];
  now: Now = { wall: 0, steady: 0 };
  protected actor = '';
  /** How the workers' attempts had ended when the command came. */
  protected attempts = { completed: 0, failed: 0 };

  constructor(rules: Rules) {
    this.rules = rules;
  }

  /** Retention: what ended before is gone, but for how a task ended. */
  forget(endedBefore: number): void {
    for (const task of this.tasks) if (task.completedAt !== null && task.completedAt < endedBefore) task.removed = true;
    this.votes = this.votes.filter(({ closedAt }) => closedAt === null || closedAt >= endedBefore);
  }

  protected say(type: LedgerType, source: NewEvent['source'], data: JsonObject): void {
    this.events.push({ type, source, actor: this.actor, data });
  }

  protected find(id: string): ModelTask {
    const task = this.tasks.find((one) => one.id === id && !one.removed);
    if (!task) throw new Refused('task_not_found');
    return task;
  }

  protected findWorker(id: string): ModelWorker {
    const worker = this.workers.find((one) => one.id === id);
    if (!worker) throw new Refused('worker_not_found');
    return worker;
  }

  protected dependents(id: string): ModelTask[] {
    return this.tasks.filter((task) => !task.removed && task.spec.depends_on.includes(id));
  }

  /** Its parent, or when that was removed, the next above it that is left. */
  private above(task: ModelTask): ModelTask | undefined {
    const above = this.tasks.find(({ id }) => id === task.spec.parent_id);
    return above?.removed ? this.above(above) : above;
  }

  protected family(task: ModelTask): ModelTask[] {
    const members = [task];
    for (const member of members) {
      members.push(...this.tasks.filter((one) => !one.removed && this.above(one) === member));
    }
    return members;
  }

  protected unmet(spec: TaskSpec): number {
    return spec.depends_on.filter((id) => this.tasks.find((one) => one.id === id)!.status !== 'completed').length;
  }

  protected dueAfter({ run_at }: TaskSpec): number | null {
    return run_at !== null && Date.parse(run_at) > this.now.wall ? Date.parse(run_at) : null;
  }

  /** All that a task of a plan depends on has completed: it gets the results that it refers to. */
  protected goOnWithResults(_task: ModelTask): void {
    throw new Error('there are no plans here');
  }

  protected enqueue(task: ModelTask, after: string): void {
    Object.assign(task, { status: 'queued', pendingReason: null, dueAt: null, queuedAt: this.now.wall });
    this.say('task_queued', 'kernel', { after, task_id: task.id });
  }

  /** Nothing but its time is waited for any more. */
  protected goOn(task: ModelTask, after: string): void {
    const dueAt = this.dueAfter(task.spec);
    if (dueAt === null) this.enqueue(task, after);
    else Object.assign(task, { dueAt, pendingReason: 'scheduled' });
  }

  protected ask(
    question: Pick<Vote, 'id' | 'decision' | 'participants' | 'threshold' | 'contentHash' | 'taskId'> & {
      expiresMs: number;
    },
  ): ModelVote {
    const { expiresMs, ...asked } = question;
    const { wall } = this.now;
    const vote: ModelVote = {
      ...asked,
      ...{ status: 'open', ballots: [], openedAt: wall, closesAt: wall + expiresMs, closedAt: null },
    };
    this.votes.push(vote);
    this.asked++;
    let approvals_needed = 1;
    while (approvals_needed / vote.participants.length < vote.threshold) approvals_needed++;
    this.say('vote_opened', 'neurasphere', {
      approvals_needed,
      closes_at: new Date(vote.closesAt).toISOString(),
      content_hash: vote.contentHash,
      participants: [...vote.participants],
      ...this.aboutVote(vote),
    });
    return vote;
  }

  protected endVote(vote: ModelVote, status: Vote['status']): void {
    Object.assign(vote, { status, closedAt: this.now.wall });
    const approvals = vote.ballots.filter(({ approve }) => approve).length;
    const denials = vote.ballots.filter(({ approve }) => !approve).length;
    this.say('vote_closed', 'neurasphere', { approvals, denials, status, ...this.aboutVote(vote) });
  }

  protected aboutVote({ id, taskId }: ModelVote): JsonObject {
    return taskId === null ? { vote_id: id } : { task_id: taskId, vote_id: id };
  }

  /** A task that ends while it is voted on takes its vote along. */
  protected callOffVote(task: ModelTask): void {
    const vote = this.votes.find(({ id, status }) => id === task.vote && status === 'open');
    if (vote && task.pendingReason === 'approval') this.endVote(vote, 'cancelled');
  }

  /** The worker that holds the task gets its slot back. */
  protected free(task: ModelTask, workerId: string, end: 'completed' | 'failed' | 'none'): void {
    const worker = this.workers.find((one) => one.id === workerId);
    if (!worker) return;
    worker.holds = worker.holds.filter((id) => id !== task.id);
    if (end !== 'none') this.judge(worker, end === 'failed');
    if (end === 'completed') worker.completed++;
    if (end === 'failed') worker.failed++;
    const { wall: at } = this.now;
    const elapsedMs = Math.max(0, at - task.startedAt!);
    const capability = String(task.spec.requirements.capability ?? '');
    if (end !== 'none') worker.busyMs += elapsedMs;
    if (end !== 'none') worker.attempts.push({ capability, failed: end === 'failed', elapsedMs, at });
    if (worker.draining && worker.holds.length === 0) this.dismiss(worker, 'drained');
  }

  /** A worker that fails far more than all of them together is kept out. */
  private judge(worker: ModelWorker, failed: boolean): void {
    worker.recent = `${worker.recent}${failed ? 1 : 0}`.slice(-20);
    const { quarantine, recent } = worker;
    if (quarantine?.onTrial && !failed) Object.assign(worker, { quarantine: null, recent: '' });
    if (quarantine && !(quarantine.onTrial && failed)) return;
    const rate = [...recent].filter((one) => one === '1').length / recent.length;
    const { completed, failed: all } = this.attempts;
    const colony = all === 0 ? 0 : all / (completed + all);
    const drifts = recent.length === 20 && rate - colony > this.rules.guardian.driftThreshold;
    if (!quarantine && !drifts) return;
    const times = quarantine?.times ?? 0;
    const until = this.now.wall + Math.min(86_400_000, 300_000 * 2 ** times);
    worker.quarantine = { until, onTrial: false, times: times + 1 };
    this.say('worker_quarantined', 'neurasphere', {
      colony_failure_rate: Math.round(colony * 1000) / 1000,
      failure_rate: Math.round(rate * 1000) / 1000,
      reason: quarantine ? 'trial_failed' : 'drift',
      until: new Date(until).toISOString(),
      worker_id: worker.id,
    });
  }

  protected dismiss(worker: ModelWorker, reason: string): void {
    this.workers.splice(this.workers.indexOf(worker), 1);
    this.say('worker_unregistered', 'kernel', { reason, worker_id: worker.id });
  }

  protected bringBack(worker: ModelWorker): void {
    if (!worker.offline) return;
    Object.assign(worker, { offline: false, lastHeartbeat: this.now.wall });
    this.say('worker_online', 'kernel', { worker_id: worker.id });
  }

  /** Whoever waits for a task that did not complete falls with it, all the way down. */
  protected fall(ended: ModelTask): void {
    const fallen = [ended.id];
    for (let id = fallen.pop(); id !== undefined; id = fallen.pop()) {
      for (const task of this.dependents(id).filter((one) => one.status === 'pending')) {
        this.callOffVote(task);
        Object.assign(task, {
          status: 'cancelled',
          pendingReason: null,
          dueAt: null,
          error: 'dependency_failed',
          completedAt: this.now.wall,
        });
        this.say('task_cancelled', 'kernel', { dependency: id, reason: 'dependency_failed', task_id: task.id });
        fallen.push(task.id);
      }
    }
  }

  /** An attempt has failed or run too long: again later, or never. */
  protected failOrRetry(
    task: ModelTask,
    how: { status: 'failed' | 'timeout'; error: string; errorTrace: string | null; retryable: boolean; random: number },
  ): void {
    const { status, error, errorTrace } = how;
    const { attempt, worker } = task;
    Object.assign(task, { error, errorTrace, losses: 0, deadline: null });
    task.lastOutcome = status === 'failed' ? 'failed' : null;
    const data = { attempt, error, task_id: task.id, worker_id: worker };
    if (how.retryable && task.retryCount < task.spec.max_retries) {
      const retry = ++task.retryCount;
      const dueAt = this.now.wall + backoffMs(task.spec.retry_backoff, retry, how.random);
      Object.assign(task, { status: 'pending', pendingReason: 'retry', dueAt, worker: null, startedAt: null });
      const run_at = new Date(dueAt).toISOString();
      this.say('task_retry_scheduled', 'kernel', {
        attempt,
        error,
        reason: status,
        retry,
        run_at,
        task_id: task.id,
        worker_id: worker,
      });
      return;
    }
    Object.assign(task, { status, completedAt: this.now.wall });
    if (status === 'timeout') this.say('task_timeout', 'kernel', data);
    else this.say('task_failed', `worker:${worker}`, data);
    this.fall(task);
  }

  /** Taken from its worker, back to its old place. */
  protected requeue(task: ModelTask, reason: 'lease_expired' | 'not_held' | 'worker_unregistered' | 'failover'): void {
    const { attempt, worker } = task;
    if (reason === 'lease_expired') task.losses++;
    const { losses } = task;
    this.say('task_requeued', 'kernel', { attempt, losses, reason, task_id: task.id, worker_id: worker });
    this.free(task, worker!, 'none');
    Object.assign(task, { status: 'queued', worker: null, deadline: null, startedAt: null, queuedAt: this.now.wall });
  }

  protected isOver(task: ModelTask): boolean {
    return TERMINAL.has(task.status);
  }
}
