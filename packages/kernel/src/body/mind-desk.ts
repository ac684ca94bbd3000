import type { Clock } from '../core/clock.ts';
import type { NewTask, Rules } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { QueueRank, Store, Tombstone } from '../core/store.ts';
import { type Task, type TaskStatus, TERMINAL } from '../core/task.ts';
import { voteFrom } from '../core/vote.ts';
import type { Worker } from '../core/worker.ts';
import { approvalsNeeded } from '../guardian/consensus.ts';
import { type Field, fieldOf } from '../mind/candidates.ts';
import { type Explanation, summaryOfDecided, summaryOfWaiting } from '../mind/explanation.ts';
import {
  type Dependency,
  type Limit,
  type OpenVote,
  type Pending,
  waitsOfPending,
  waitsOfQueued,
} from '../mind/waits.ts';
import { noSuchTask } from './decide/missing.ts';
import { checkReferences } from './decide/submit.ts';
import { waitFor } from './decide/waiting.ts';
import type { GuardianDesk } from './guardian-desk.ts';

/** What it answers. */
export { type Explanation, waitingFor } from '../mind/explanation.ts';

export interface MindDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly rules: Rules;
  readonly guardian: GuardianDesk;
  /** Workers with their last sign of life as of now. */
  readonly asHeard: (workers: readonly Worker[]) => Promise<Worker[]>;
  /** Whether a worker has asked this kernel for work and waits for it. */
  readonly isAsking: (workerId: string) => boolean;
}

/**
 * What is asked of the mind outside of decisions: why a task waits, who got it and why, and who would. It looks at how things
 * stand at the moment, with a few questions to the store, and changes nothing.
 */
export class MindDesk {
  readonly #options: MindDeskOptions;

  constructor(options: MindDeskOptions) {
    this.#options = options;
  }

  async explain(taskId: string): Promise<Explanation | Refusal> {
    const task = await this.#options.store.task(taskId);
    if (task === null) return noSuchTask(taskId);
    if (task.status !== 'pending' && task.status !== 'queued') return this.#decided(task);
    const { requirements } = task.spec.value;
    const field = await this.#field(requirements);
    const waits =
      task.status === 'queued'
        ? waitsOfQueued(field, requirements, await this.#limits())
        : waitsOfPending(await this.#pending(task));
    const isServed = task.status === 'queued' && waits.length === 0;
    return {
      status: task.status,
      summary: isServed
        ? 'Queued, and about to be given to a worker.'
        : summaryOfWaiting(task.status === 'queued' ? 'Queued' : 'Pending', waits),
      ...{ waits, decision: null },
      queuePosition: task.status === 'queued' ? await this.#options.store.position(task) : null,
      ...named(field),
    };
  }

  /** What would become of a task, were it handed in now, and who would get it. Rate limits are not looked at. */
  async route(asked: NewTask): Promise<Explanation | Refusal> {
    const { guardian, store, rules, clock } = this.#options;
    const { depends_on, parent_id, requirements, priority, run_at } = asked.spec;
    const { tasks } = await store.load({ tasks: parent_id === null ? depends_on : [...depends_on, parent_id] });
    const errors = checkReferences({ task: (id) => tasks.get(id) ?? null, rules }, asked);
    if (errors.length > 0) return new Refusal('validation_failed', errors[0]!.message, { errors });

    const { verdict, violations } = await guardian.evaluate(asked);
    const field = await this.#field(requirements);
    const would = (status: TaskStatus, summary: string, more: Partial<Explanation> = {}): Explanation => ({
      ...{ status, summary: `Would be ${summary}`, waits: [], queuePosition: null, decision: null },
      ...named(field),
      ...more,
    });
    if (verdict === 'reject') {
      return would('rejected', `rejected: ${violations.map(({ rule, message }) => `${rule}: ${message}`).join(' ')}`);
    }
    const unmet = unmetOf(depends_on, tasks);
    const failed = unmet.find(({ status }) => TERMINAL.has(status));
    if (failed) return would('cancelled', `cancelled: it depends on task ${failed.id}, which is ${failed.status}.`);
    const dueAt = run_at === null ? null : Date.parse(run_at);
    const isLater = waitFor({ asks: false, unmet: 0, dueAt }, clock.now().wall) !== null;
    const vote = verdict === 'require_approval' ? this.#voteToBe() : null;
    const pending = waitsOfPending({ vote, unmet, dueAt: isLater ? dueAt : null, isRetry: false });
    if (pending.length > 0) return would('pending', summaryOfWaiting('pending', pending), { waits: pending });

    const waits = waitsOfQueued(field, requirements, await this.#limits());
    const [first] = field.candidates;
    if (waits.length === 0 && first) {
      const decision = { workerId: first.workerId, score: first.score, decidedAt: null };
      return would('executing', `given to ${first.name ?? first.workerId} at once.`, { decision });
    }
    const queuePosition = await store.position(lastOf(priority));
    return would('queued', summaryOfWaiting('queued', waits), { waits, queuePosition });
  }

  /** As it was decided. */
  async #decided(task: Task): Promise<Explanation> {
    const worker = task.worker === null ? null : await this.#options.store.worker(task.worker);
    const decision =
      task.worker === null || task.startedAt === null
        ? null
        : { workerId: task.worker, score: null, decidedAt: task.startedAt };
    return {
      status: task.status,
      summary: summaryOfDecided(task, worker?.profile.name ?? null),
      ...{ waits: [], queuePosition: null, decision, candidates: [], candidatesTotal: 0 },
    };
  }

  async #field(requirements: JsonObject): Promise<Field> {
    const { store, asHeard, isAsking } = this.#options;
    const workers = await asHeard(await store.workers());
    return fieldOf(requirements, { workers, isAsking, scoreOf: () => ({ score: null, scores: {} }) });
  }

  /** The limits that are reached. */
  async #limits(): Promise<Limit[]> {
    const most = this.#options.rules.maxConcurrentTasks;
    if (most === 0) return [];
    const { executing } = (await this.#options.store.survey()).tasks;
    return executing < most ? [] : [{ name: 'MAX_CONCURRENT_TASKS', most, executing }];
  }

  async #pending(task: Task): Promise<Pending> {
    const { store, clock } = this.#options;
    const { depends_on, run_at } = task.spec.value;
    const { tasks } = await store.load({ tasks: task.unmet > 0 ? depends_on : [] });
    const runAt = run_at === null ? null : Date.parse(run_at);
    const isLater = waitFor({ asks: false, unmet: 0, dueAt: runAt }, clock.now().wall) !== null;
    return {
      vote: await this.#vote(task),
      unmet: task.unmet > 0 ? unmetOf(depends_on, tasks) : [],
      dueAt: task.dueAt ?? (isLater ? runAt : null),
      isRetry: task.pendingReason === 'retry',
    };
  }

  async #vote({ pendingReason, vote: id }: Task): Promise<OpenVote | null> {
    const document =
      pendingReason === 'approval' && id !== null ? await this.#options.store.document('vote', id) : null;
    if (document === null) return null;
    const vote = voteFrom(document);
    const voted = new Set(vote.ballots.map(({ participant }) => participant));
    return {
      ...{ id, closesAt: vote.closesAt, needed: approvalsNeeded(vote) },
      approvals: vote.ballots.filter(({ approve }) => approve).length,
      notVoted: vote.participants.filter((participant) => !voted.has(participant)),
    };
  }

  #voteToBe(): OpenVote {
    const { guardian } = this.#options.rules;
    const needed = approvalsNeeded(guardian);
    return { id: null, closesAt: null, approvals: 0, needed, notVoted: guardian.participants };
  }
}

function named({ candidates, total }: Field): Pick<Explanation, 'candidates' | 'candidatesTotal'> {
  return { candidates, candidatesTotal: total };
}

/** In the order in which they are named. One that retention removed has ended all the same. */
function unmetOf(ids: readonly string[], tasks: ReadonlyMap<string, Task | Tombstone | null>): Dependency[] {
  return ids.flatMap((id) => {
    const status = tasks.get(id)?.status;
    return status === undefined || status === 'completed' ? [] : [{ id, status }];
  });
}

/** The place behind all that have this priority. */
function lastOf(priority: number): QueueRank {
  return { priority: priority - 1, seq: 0 };
}
