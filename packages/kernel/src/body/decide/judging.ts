import type { Judged, NewTask } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Task } from '../../core/task.ts';
import { evaluate } from '../../guardian/evaluate.ts';
import type { Judgement, Policy, Subject, Violation } from '../../guardian/policy.ts';
import { type Bucket, msUntilThere, takeTokens } from '../../guardian/rules/rate-limit.ts';
import type { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import { needs as needsPolicy, POLICY, policyOf } from './policy.ts';
import { openVote } from './vote-records.ts';

/** What the guardian says of a task before anything else happens with it. */

/** A verdict, bound to what was judged and by which policy. */
export interface Verdict extends Judgement {
  readonly policy: Policy;
  readonly contentHash: string;
}

/** The policy is part of what is decided on: should it change meanwhile, all is decided anew. */
export function readPolicy(change: Change): Policy {
  return policyOf(change.readDocument(POLICY), change.slice.rules.guardian.types);
}

/** A judgement made ahead of the decision, and what it holds for. */
interface Foretold {
  readonly policy: Policy;
  readonly json: string;
  readonly judgement: Judgement;
}

export function foretell(asked: Judged, policy: Policy, subject: Subject): Judgement {
  const foretold: Foretold = { policy, json: subject.json, judgement: evaluate(policy, subject) };
  asked.foretold = foretold;
  return foretold.judgement;
}

/** @param asked for what: it may know what is to be said, if it was this policy that said it, and of the same task */
export function judge(policy: Policy, subject: Subject, contentHash: string, asked: Judged): Verdict {
  const foretold = asked.foretold as Foretold | undefined;
  const isKnown = foretold?.policy === policy && foretold.json === subject.json;
  const { verdict, violations } = isKnown ? foretold.judgement : foretell(asked, policy, subject);
  return { verdict, violations, policy, contentHash };
}

/** The verdict as the ledger has it, where it does not end the task. */
export function tellVerdict(
  change: Change,
  taskId: string,
  { policy, contentHash, verdict, violations }: Verdict,
): void {
  change.event('task_validated', 'neurasphere', {
    content_hash: contentHash,
    policy_version: policy.document.version,
    rules: policy.document.rules.length,
    task_id: taskId,
    verdict,
    ...told(violations),
  });
}

export function tellRejection(change: Change, taskId: string, { policy, contentHash, violations }: Verdict): void {
  change.event('task_rejected', 'neurasphere', {
    content_hash: contentHash,
    policy_version: policy.document.version,
    reason: 'policy',
    task_id: taskId,
    ...told(violations),
  });
}

/** As the last member, so that the members stay in order. */
function told(violations: readonly Violation[]): JsonObject {
  return violations.length === 0 ? {} : { violations: violations.slice(0, MOST_TOLD).map(sentence) };
}

/** What a rejected task says. */
export function rejectionOf({ violations }: Verdict): string {
  return because(violations, 'reject');
}

/** Enough to see why; the task that was judged is there to be looked at. */
const MOST_TOLD = 10;

function because(violations: readonly Violation[], action: Violation['action']): string {
  const those = violations.filter((violation) => violation.action === action);
  return those.slice(0, MOST_TOLD).map(sentence).join(' ');
}

function sentence({ rule, message }: Violation): string {
  return `${rule}: ${message}`;
}

/** The vote that is to be held on a task: the first is called as the task is; when it is judged anew there is another. */
export function nextVote({ id, vote }: Pick<Task, 'id' | 'vote'>): string {
  return vote === null ? id : `${id}.${Number(vote.slice(id.length + 1) || 1) + 1}`;
}

/** Those who decide are asked about a task that waits for them. */
export function askForApproval(change: Change, task: Task, { violations, contentHash }: Verdict): void {
  const { participants, threshold, voteExpiresMs } = change.slice.rules.guardian;
  const decision = `May task ${task.id} run? ${because(violations, 'require_approval')}`;
  const question = { id: task.vote!, decision, participants, threshold, expiresMs: voteExpiresMs };
  openVote(change, question, { id: task.id, contentHash });
}

/** What a submission needs to be judged: the policy, and what is left to whoever hands in. */
export function needsJudging(slice: Slice, wanted: Wanted, tasks: readonly NewTask[]): void {
  needsPolicy(wanted);
  if (!slice.hasDocument(POLICY)) return;
  const { rateLimits } = policyOf(slice.document(POLICY), slice.rules.guardian.types);
  if (rateLimits.length === 0) return;
  for (const submitter of new Set(tasks.map(({ spec }) => spec.created_by))) {
    for (const { rule } of rateLimits) wanted.document(`bucket ${bucketId(rule, submitter)}`);
  }
}

/** Every task counts against every rate limit, whatever else is said of it. A refusal when one of them is exceeded. */
export function countAgainstLimits(change: Change, { rateLimits }: Policy, tasks: readonly NewTask[]): Refusal | null {
  const { slice } = change;
  if (rateLimits.length === 0) return null;
  const counts = Map.groupBy(tasks, ({ spec }) => spec.created_by);
  for (const limit of rateLimits) {
    for (const [submitter, own] of counts) {
      const id = bucketId(limit.rule, submitter);
      const document = change.document(`bucket ${id}`);
      const before = document && (document.body as unknown as Bucket);
      const { bucket, allowed, retryAfterSeconds } = takeTokens(before, limit, slice.now.wall, own.length);
      if (!allowed) {
        const { rule, perSecond, burst } = limit;
        return new Refusal(
          'rate_limited',
          `${submitter} may hand in ${perSecond} tasks a second, ${burst} at once (rule ${rule}); try again later.`,
          { retryAfterSeconds },
        );
      }
      // Full again, it says no more than none.
      const endedAt = slice.now.wall + msUntilThere(limit.burst - bucket.tokens, limit.perSecond);
      const body = { ...bucket };
      if (document) change.updateDocument(document, { body, endedAt });
      else {
        const fixed = { collection: 'bucket', id, version: 1, state: '', createdAt: slice.now.wall } as const;
        change.createDocument({ ...fixed, dueAt: null, endedAt, body });
      }
    }
  }
  return null;
}

function bucketId(rule: string, submitter: string): string {
  return `${rule} ${submitter}`;
}
