import { contentHash } from '../../core/chain.ts';
import type * as Commands from '../../core/command.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TaskSpec } from '../../core/task.ts';
import { DEFAULT_POLICY } from '../../guardian/default-policy.ts';
import { evaluate } from '../../guardian/evaluate.ts';
import { parsePolicy } from '../../guardian/parse.ts';
import type { Judgement, Policy } from '../../guardian/policy.ts';
import { type Bucket, takeTokens } from '../../guardian/rules/rate-limit.ts';
import { type ModelTask, Refused } from './colony.ts';
import { Votes } from './votes.ts';

/** What the guardian says of tasks; how it comes to say so is tested elsewhere. */
export class Guarded extends Votes {
  #policy = FIRST;
  readonly #asked = new Map<string, number>();
  readonly #buckets = new Map<string, { readonly bucket: Bucket; readonly fullAt: number }>();

  protected setPolicy({ policy, expected }: Commands.SetPolicy): JsonObject {
    const { version } = this.#policy.document;
    if (expected !== null && expected !== version) throw new Refused('version_mismatch');
    this.#policy = parsed({ ...policy, version: version + 1 });
    const { document } = this.#policy;
    this.say('policy_updated', 'neurasphere', {
      content_hash: contentHash(JSON.stringify(document)),
      policy_version: version + 1,
      rules: document.rules.length,
    });
    return document as unknown as JsonObject;
  }

  protected judged(spec: TaskSpec): Judgement {
    return evaluate(this.#policy, { spec, json: JSON.stringify(spec) });
  }

  protected tellVerdict(id: string, spec: TaskSpec, hash: string): void {
    const { verdict, violations } = this.judged(spec);
    const { version, rules } = this.#policy.document;
    const told = violations.map(({ rule, message }) => `${rule}: ${message}`);
    this.say('task_validated', 'neurasphere', {
      ...{ content_hash: hash, policy_version: version, rules: rules.length, task_id: id, verdict },
      ...(told.length > 0 ? { violations: told } : {}),
    });
  }

  /** @returns what the task says of it */
  protected tellRejection(id: string, spec: TaskSpec, hash: string): string {
    const { violations } = this.judged(spec);
    const told = violations.map(({ rule, message }) => `${rule}: ${message}`);
    this.say('task_rejected', 'neurasphere', {
      ...{ content_hash: hash, policy_version: this.#policy.document.version, reason: 'policy', task_id: id },
      violations: told,
    });
    return told.filter((_, at) => violations[at]!.action === 'reject').join(' ');
  }

  protected askForApproval(id: string, voteId: string, spec: TaskSpec, hash: string): string {
    const asking = this.judged(spec).violations.filter(({ action }) => action === 'require_approval');
    const why = asking.map(({ rule, message }) => `${rule}: ${message}`).join(' ');
    const { participants, threshold, voteExpiresMs: expiresMs } = this.rules.guardian;
    this.#asked.set(id, this.votesOn(id) + 1);
    const decision = `May task ${id} run? ${why}`;
    return this.ask({ id: voteId, decision, participants, threshold, expiresMs, contentHash: hash, taskId: id }).id;
  }

  /** All of a submission's tasks count, or none does. */
  protected count(tasks: readonly Commands.NewTask[]): void {
    const next = new Map(this.#buckets);
    for (const limit of this.#policy.rateLimits) {
      for (const { spec } of tasks.filter(
        ({ spec }, at) => tasks.findIndex((one) => one.spec.created_by === spec.created_by) === at,
      )) {
        const name = `${limit.rule} ${spec.created_by}`;
        const wanted = tasks.filter((one) => one.spec.created_by === spec.created_by).length;
        const { bucket, allowed } = takeTokens(next.get(name)?.bucket ?? null, limit, this.now.wall, wanted);
        if (!allowed) throw new Refused('rate_limited');
        const fullAt = this.now.wall + Math.ceil(((limit.burst - bucket.tokens) / limit.perSecond) * 1000);
        next.set(name, { bucket, fullAt });
      }
    }
    for (const [name, one] of next) this.#buckets.set(name, one);
  }

  /** A bucket that is full again says nothing; unless the clock is set back behind that, when it would not be full. */
  override forget(endedBefore: number): void {
    super.forget(endedBefore);
    for (const [name, { fullAt }] of this.#buckets) if (fullAt < endedBefore) this.#buckets.delete(name);
  }

  /** How many votes there have been on a task. */
  protected votesOn(taskId: string): number {
    return this.#asked.get(taskId) ?? 0;
  }

  /** What a task is to wait for; null: nothing. */
  protected firstWait(task: Pick<ModelTask, 'spec'>, asks: boolean): ModelTask['pendingReason'] {
    if (asks) return 'approval';
    if (this.unmet(task.spec) > 0) return 'dependencies';
    return this.dueAfter(task.spec) === null ? null : 'scheduled';
  }
}

function parsed(document: unknown): Policy {
  const answer = parsePolicy(document);
  if ('errors' in answer) throw new Refused('validation_failed');
  return answer.policy;
}

const FIRST = parsed(DEFAULT_POLICY);
