import type { Clock } from '../core/clock.ts';
import type { NewTask, Rules } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { QueueRank, Store } from '../core/store.ts';
import { Spec, type Task, type TaskStatus, TERMINAL } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';
import { type Candidate, type Field, fieldOf } from '../mind/candidates.ts';
import { type Considered, decisionFrom } from '../mind/decision.ts';
import { passingFacts } from '../mind/eligibility.ts';
import { type Explanation, summaryOfDecided, summaryOfWaiting } from '../mind/explanation.ts';
import { score } from '../mind/scoring.ts';
import { waitsOfPending, waitsOfQueued } from '../mind/waits.ts';
import { word } from '../mind/words.ts';
import { MOST_CONTENDERS } from './allocation.ts';
import { noSuchTask } from './decide/missing.ts';
import { checkReferences } from './decide/submit.ts';
import type { GuardianDesk } from './guardian-desk.ts';
import { isLater, pendingOf, unmetOf, voteToBe } from './pending.ts';
import { reachedLimits } from './reached.ts';

/** What it answers. */
export { type Explanation, waitingFor } from '../mind/explanation.ts';

export interface MindDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly rules: Rules;
  readonly guardian: GuardianDesk;
  /** Workers with their last sign of life as of now. */
  readonly asHeard: (workers: readonly Worker[]) => Promise<Worker[]>;
  /** Finds out what there is to know of a task before workers are weighed for it. */
  readonly prepare: (task: Pick<Task, 'id' | 'spec'>) => Promise<void>;
  /** How long a worker has been waiting for work at this kernel; null: it does not. */
  readonly waitedMs: (workerId: string) => number | null;
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
    const field = await this.#field(task);
    const waits =
      task.status === 'queued'
        ? waitsOfQueued(field, requirements, await reachedLimits(this.#options, task.lane, requirements))
        : waitsOfPending(await pendingOf(task, this.#options.store, this.#options.clock.now().wall));
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
    const field = await this.#field({ id: asked.id, lane: asked.lane, spec: new Spec(asked.json, asked.spec) });
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
    const vote = verdict === 'require_approval' ? voteToBe(rules.guardian) : null;
    const pending = waitsOfPending({
      vote,
      unmet,
      dueAt: isLater(dueAt, clock.now().wall) ? dueAt : null,
      isRetry: false,
    });
    if (pending.length > 0) return would('pending', summaryOfWaiting('pending', pending), { waits: pending });

    const waits = waitsOfQueued(field, requirements, await reachedLimits(this.#options, asked.lane, requirements));
    const [first] = field.candidates;
    if (waits.length === 0 && first) {
      const decision = { workerId: first.workerId, score: first.score, decidedAt: null };
      return would('executing', `given to ${word(first.name)} at once.`, { decision });
    }
    const queuePosition = await store.position(lastOf(priority));
    return would('queued', summaryOfWaiting('queued', waits), { waits, queuePosition });
  }

  /** As it was decided. */
  async #decided(task: Task): Promise<Explanation> {
    const { worker: workerId, startedAt, status } = task;
    const worker = workerId === null ? null : await this.#options.store.worker(workerId);
    const summary = summaryOfDecided(task, worker?.profile.name ?? null);
    const undecided = { status, summary, waits: [], queuePosition: null };
    if (workerId === null || startedAt === null) {
      return { ...undecided, decision: null, candidates: [], candidatesTotal: 0 };
    }
    const known = decisionFrom(task.routing);
    const candidates = known === null ? [] : [{ ...known.chosen, workerId }, ...known.others].map(considered);
    const decision = { workerId, score: known?.chosen.score ?? null, decidedAt: startedAt };
    return { ...undecided, decision, candidates, candidatesTotal: candidates.length };
  }

  async #field(task: Pick<Task, 'id' | 'lane' | 'spec'>): Promise<Field> {
    const { store, asHeard, waitedMs, rules, clock, prepare } = this.#options;
    await prepare(task);
    const workers = await asHeard(await store.workers());
    const lane = passingFacts(task.lane, task.spec.value.requirements);
    const { wall } = clock.now();
    return fieldOf(lane, {
      ...{ workers, waitedMs, mostWeighed: MOST_CONTENDERS },
      weigh: (contenders) => score(contenders, task, lane, rules.mind, wall),
    });
  }
}

function named({ candidates, total }: Field): Pick<Explanation, 'candidates' | 'candidatesTotal'> {
  return { candidates, candidatesTotal: total };
}

/** When it was decided there was nothing against any of them. */
function considered({ workerId, name, score, scores }: Considered & { readonly workerId: string }): Candidate {
  return { workerId, name, eligible: true, reasons: [], score, scores };
}

/** The place behind all that have this priority. */
function lastOf(priority: number): QueueRank {
  return { priority: priority - 1, seq: 0 };
}
