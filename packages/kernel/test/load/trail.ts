import { contentHash } from '../../src/core/chain.ts';
import type { LedgerEntry } from '../../src/core/event.ts';
import { Replay } from '../../src/testing/replay.ts';
import { FORBIDDEN, RISKY } from './operator.ts';
import { BAD, count, type Told } from './told.ts';

type Entry = Pick<LedgerEntry, 'id' | 'type' | 'source' | 'actor' | 'data' | 'taskId' | 'workerId' | 'at'>;

interface Data {
  readonly task_id?: string;
  readonly vote_id?: string;
  readonly plan_id?: string;
  readonly schedule_id?: string;
  readonly worker_id?: string;
  readonly checkpoint_id?: string;
  readonly participant?: string;
  readonly approve?: boolean;
  readonly policy_version?: number;
  readonly content_hash?: string;
  readonly verdict?: string;
  readonly reason?: string;
  readonly name?: string;
  readonly removed?: number;
  readonly restored?: number;
  readonly requeued?: number;
}

/**
 * The ledger, entry by entry: what the colony came to by it, and whether it tells of everything that clients were told.
 * Since it never goes back, whatever was acknowledged must be in it, whatever rollbacks there were; and what is stored
 * must be what it comes to. Nothing can vanish between the two.
 */
export class Trail {
  readonly problems: string[] = [];
  readonly replay: Replay;
  last = 0;
  /** How many kernels have said that they are there. */
  starts = 0;
  policyVersion = 1;
  /** Their hashes. */
  readonly #policies = new Map<number, string>();
  readonly checkpoints = new Map<string, number>();
  readonly rollbacks: string[] = [];
  /** Workers that are given nothing, or one task to try them. */
  readonly quarantined = new Map<string, 'out' | 'on trial'>();
  readonly #submitted = new Set<string>();
  readonly #completed = new Set<string>();
  readonly #ballots = new Map<string, number>();
  readonly #cancelled = new Map<string, number>();
  readonly #plans = new Set<string>();
  readonly #votes = new Set<string>();
  readonly #schedules = new Set<string>();
  readonly #onTask = new Set<string>();
  readonly #deleted = new Set<string>();
  readonly #created = new Set<string>();
  readonly #bad = new Set<string>();
  /** Tasks that the bad one failed at. */
  readonly #spoilt = new Set<string>();
  /** The rollback that a kernel was killed over. */
  #cutOff: string | null = null;

  constructor() {
    this.replay = new Replay((text) => this.problems.push(text));
  }

  follow(entry: Entry): void {
    if (entry.id !== this.last + 1) this.#complain(`entry ${entry.id} stands where ${this.last + 1} was due`);
    this.last = entry.id;
    const data = JSON.parse(entry.data) as Data;
    this.#note(entry, data);
    this.replay.follow(entry);
  }

  /** A kernel was killed in the middle of this: the next one must bring it to its end before it says that it is there. */
  cutOff(checkpointId: string): void {
    this.#cutOff = checkpointId;
  }

  #note(entry: Entry, data: Data): void {
    const { task_id: task, vote_id: vote, worker_id: worker, checkpoint_id: checkpoint } = data;
    switch (entry.type) {
      case 'kernel_started':
        this.starts++;
        if (this.#cutOff) this.#complain(`a kernel started before the rollback to ${this.#cutOff} had come to its end`);
        this.#cutOff = null;
        break;
      case 'policy_updated':
        if (data.policy_version !== this.policyVersion + 1)
          this.#complain(`policy ${data.policy_version} follows on ${this.policyVersion}`);
        this.policyVersion = data.policy_version!;
        this.#policies.set(this.policyVersion, data.content_hash!);
        break;
      case 'task_validated':
      case 'task_rejected':
        if (data.policy_version !== undefined && data.policy_version !== this.policyVersion)
          this.#complain(`invariant 8: ${task} was judged by policy ${data.policy_version}, not ${this.policyVersion}`);
        break;
      case 'task_submitted':
        if (this.#submitted.has(task!)) this.#complain(`invariant 2: ${task} was submitted twice`);
        this.#submitted.add(task!);
        break;
      case 'task_completed':
        this.#completed.add(`${task} ${this.replay.tasks.get(task!)?.token}`);
        break;
      case 'task_failed':
        if (this.#bad.has(worker!)) this.#spoilt.add(task!);
        break;
      case 'worker_registered':
        if (data.name === BAD) this.#bad.add(worker!);
        break;
      case 'task_cancelled':
        if (data.reason === 'requested') count(this.#cancelled, task!);
        break;
      case 'plan_created':
        this.#plans.add(data.plan_id!);
        break;
      case 'vote_opened':
        this.#votes.add(vote!);
        if (task) this.#onTask.add(task);
        break;
      case 'vote_cast':
        count(this.#ballots, `${vote} ${data.participant} ${data.approve}`);
        break;
      case 'schedule_created':
        this.#schedules.add(data.schedule_id!);
        break;
      case 'schedule_fired':
        if (!this.#submitted.has(task!))
          this.#complain(`schedule ${data.schedule_id} handed in ${task}, which is not there`);
        break;
      case 'checkpoint_created':
        this.checkpoints.set(checkpoint!, entry.id);
        this.#created.add(checkpoint!);
        break;
      case 'checkpoint_deleted':
        this.checkpoints.delete(checkpoint!);
        this.#deleted.add(checkpoint!);
        break;
      case 'rollback_completed':
        if (checkpoint === this.#cutOff) this.#cutOff = null;
        this.rollbacks.push(`${checkpoint} ${data.removed} ${data.restored} ${data.requeued}`);
        break;
      case 'worker_quarantined':
        this.quarantined.set(worker!, 'out');
        break;
      case 'worker_released':
        if (data.reason === 'on_trial') this.quarantined.set(worker!, 'on trial');
        else this.quarantined.delete(worker!);
        break;
      case 'worker_unregistered':
        this.quarantined.delete(worker!);
        break;
    }
  }

  /** Everything that clients were told is in the ledger, as often as they were told. */
  checkTold(told: Told): void {
    const missing = (what: string) => this.#complain(`${what} was acknowledged and is not in the ledger`);
    for (const [key, { body, ids }] of told.submissions) {
      for (const id of ids) {
        if (!this.#submitted.has(id)) missing(`invariant 1: task ${id}`);
        if (isRisky(body) && !isForbidden(body) && !this.#onTask.has(id))
          this.#complain(`invariant 8: nobody was asked about ${id}`);
      }
      for (const id of ids.slice(0, -1)) {
        if (!this.replay.everRemoved.has(id))
          this.#complain(`invariant 2: key ${key} gave ${id} and then another task`);
      }
      // Back and forward again, and a key gives one that it gave before.
      const there = new Set(ids.filter((id) => this.replay.tasks.has(id)));
      if (there.size > 1) this.#complain(`invariant 2: there are ${there.size} tasks for the key ${key}`);
      if (there.size === 0 && !ids.every((id) => this.replay.everRemoved.has(id)))
        this.#complain(`invariant 1: no rollback took away what was submitted as ${key}, and it is gone`);
    }
    for (const { ids } of told.plans.values())
      for (const id of ids) if (!this.#plans.has(id)) missing(`invariant 1: plan ${id}`);
    for (const id of told.herds) if (!this.#submitted.has(id)) missing(`invariant 1: task ${id} of a batch`);
    for (const one of told.completed.keys())
      if (!this.#completed.has(one)) missing(`invariant 1: the completion ${one}`);
    for (const id of told.questions) if (!this.#votes.has(id)) missing(`invariant 1: vote ${id}`);
    for (const id of told.schedules) if (!this.#schedules.has(id)) missing(`invariant 1: schedule ${id}`);
    for (const one of told.remembered) if (!this.replay.memory.written.has(one)) missing(`invariant 1: memory ${one}`);
    for (const [ballot, times] of told.ballots)
      if ((this.#ballots.get(ballot) ?? 0) < times) missing(`invariant 1: ballot ${ballot}, ${times} times,`);
    for (const [id, times] of told.cancelled)
      if ((this.#cancelled.get(id) ?? 0) < times) missing(`invariant 1: the end of ${id}, ${times} times,`);
    for (const [version, policy] of told.policies)
      if (this.#policies.get(version) !== contentHash(policy)) missing(`invariant 1: policy ${version}`);
    for (const id of told.checkpoints) if (!this.#created.has(id)) missing(`invariant 1: checkpoint ${id}`);
    for (const id of told.deleted) if (!this.#deleted.has(id)) missing(`invariant 1: the end of checkpoint ${id}`);
    const left = [...this.rollbacks];
    for (const { id, removed, restored, requeued } of told.rollbacks) {
      const at = left.indexOf(`${id} ${removed} ${restored} ${requeued}`);
      if (at < 0) missing(`invariant 13: the rollback to ${id}`);
      else left.splice(at, 1);
    }
    const unanswered = [...told.unanswered];
    for (const rollback of left) {
      const at = unanswered.indexOf(rollback.split(' ')[0]!);
      if (at < 0) this.#complain(`invariant 13: nobody asked for the rollback to ${rollback}`);
      else unanswered.splice(at, 1);
    }
  }

  /** Everybody is done: each task is completed, unless there is a reason why not. */
  checkEnded({ submissions, unwanted }: Told): void {
    for (const { body, ids } of submissions.values()) {
      for (const id of ids) {
        const status = this.replay.tasks.get(id)?.status;
        const mayBe = {
          completed: !isForbidden(body),
          failed: this.#spoilt.has(id),
          cancelled: unwanted.has(id),
          rejected: isForbidden(body) || isRisky(body),
        };
        if (status !== undefined && !(mayBe as Record<string, boolean>)[status])
          this.#complain(`invariant 18: ${id} is ${status}, and nobody made it so`);
      }
    }
  }

  #complain(text: string): void {
    this.problems.push(text);
  }
}

function isRisky(body: object): boolean {
  return (body as { description: string }).description.includes(RISKY);
}

function isForbidden(body: object): boolean {
  return (body as { tags?: string[] }).tags?.includes(FORBIDDEN) ?? false;
}
