import fc from 'fast-check';
import type { Command } from '../../core/command.ts';
import type { Json } from '../../core/json.ts';
import { DEFAULT_POLICY } from '../../guardian/default-policy.ts';
import { newTask } from '../pipeline.ts';
import type { ModelTask } from './colony.ts';
import { aboutMemory, remembering } from './memory-actions.ts';
import type { Model } from './model.ts';
import { planCommandOf, planning } from './plan-actions.ts';
import { aboutSchedule, scheduling } from './schedule-actions.ts';

/**
 * What may happen to a colony, drawn at random. An action names tasks and workers by a number only; which one that
 * is shows when the action is taken, from what the model knows at that moment. So most actions make sense, some do not.
 */
const task = fc.record({
  priority: fc.nat(2),
  capability: fc.constantFrom('dig', 'fly'),
  dependsOn: fc.array(fc.nat(), { maxLength: 2 }),
  parent: fc.option(fc.nat(), { freq: 3 }),
  delayMs: fc.constantFrom(0, 0, 0, 1500),
  retries: fc.nat(2),
  risk: fc.constantFrom('low', 'low', 'low', 'low', 'critical', 'forbidden'),
});

const submit = fc.record({
  kind: fc.constant('submit' as const),
  tasks: fc.array(task, { minLength: 1, maxLength: 3 }),
  key: fc.option(fc.nat(2), { freq: 2 }),
  body: fc.nat(1),
});
const register = fc.record({
  kind: fc.constant('register' as const),
  able: fc.subarray(['dig', 'fly'], { minLength: 1 }),
  slots: fc.integer({ min: 1, max: 3 }),
});
const claim = fc.record({ kind: fc.constant('claim' as const), worker: fc.nat(), max: fc.integer({ min: 1, max: 4 }) });
const settle = fc.record({
  kind: fc.constantFrom(
    'complete' as const,
    'complete' as const,
    'fail' as const,
    'release' as const,
    'progress' as const,
  ),
  task: fc.nat(),
  token: fc.constantFrom('live', 'live', 'live', 'old', 'never'),
  executing: fc.constantFrom(true, true, true, false),
  outcome: fc.nat(1),
  retryable: fc.boolean(),
});
const byHand = fc.record({
  kind: fc.constantFrom('cancel' as const, 'retry' as const),
  task: fc.nat(),
  cascade: fc.boolean(),
});
const sweep = fc.record({
  kind: fc.constantFrom('promote' as const, 'end_attempt' as const, 'recover' as const),
  task: fc.nat(),
  suited: fc.constantFrom(true, true, false),
});
const mark = fc.record({
  kind: fc.constant('mark_unroutable' as const),
  task: fc.nat(),
  sinceNow: fc.boolean(),
});
const aboutWorker = fc.record({
  kind: fc.constantFrom(
    'heartbeat' as const,
    'heartbeat' as const,
    'lose_worker' as const,
    'lose_worker' as const,
    'revoke_leases' as const,
    'drain' as const,
    'unregister' as const,
    'try_worker' as const,
    'release_worker' as const,
  ),
  worker: fc.nat(),
  keeps: fc.option(fc.nat(2)),
});
const open = fc.record({
  kind: fc.constant('open_vote' as const),
  participants: fc.integer({ min: 1, max: 4 }),
  threshold: fc.constantFrom(0.3, 0.5, 0.66, 1),
});
const vote = fc.record({
  kind: fc.constantFrom('cast_ballot' as const, 'cast_ballot' as const, 'cast_ballot' as const, 'expire_vote' as const),
  vote: fc.nat(),
  open: fc.constantFrom(true, true, true, false),
  participant: fc.nat(4),
  approve: fc.boolean(),
});
const setPolicy = fc.record({
  kind: fc.constant('set_policy' as const),
  rules: fc.nat(2),
  expected: fc.option(fc.nat(3), { freq: 2 }),
});
const time = fc.oneof(
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 700, 2000, 90_000_000) }),
  fc.record({ kind: fc.constant('jump' as const), ms: fc.integer({ min: -100_000, max: 100_000 }) }),
  fc.record({ kind: fc.constant('forget' as const) }),
);

export const action = fc.record({
  /** Whether it happens in the same moment as the one before. */
  together: fc.boolean(),
  what: fc.oneof(
    { weight: 5, arbitrary: submit },
    { weight: 3, arbitrary: planning },
    { weight: 1, arbitrary: register },
    { weight: 6, arbitrary: claim },
    { weight: 8, arbitrary: settle },
    { weight: 3, arbitrary: byHand },
    { weight: 4, arbitrary: sweep },
    { weight: 1, arbitrary: mark },
    { weight: 2, arbitrary: aboutWorker },
    { weight: 1, arbitrary: open },
    { weight: 1, arbitrary: setPolicy },
    { weight: 4, arbitrary: vote },
    { weight: 4, arbitrary: scheduling },
    { weight: 5, arbitrary: remembering },
    { weight: 2, arbitrary: time },
  ),
});
export type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;
type Timeless = Exclude<Action['what'], { kind: 'wait' | 'jump' | 'forget' }>;

/** The command that an action comes to. */
export function commandOf(what: Timeless, model: Model): Command {
  const oneTask = (n: number, from: readonly ModelTask[] = model.tasks) => {
    const candidates = from.length > 0 ? from : model.tasks;
    return candidates[n % (candidates.length || 1)]?.id ?? 'nobody';
  };
  const oneWorker = (n: number) => (n % 13 === 0 ? undefined : model.workers[n % model.workers.length]?.id) ?? 'bee-0';
  const executing = model.tasks.filter(({ status }) => status === 'executing');
  switch (what.kind) {
    case 'submit':
      return submission(what, model);
    case 'submit_plan':
    case 'cancel_plan':
      return planCommandOf(what, model);
    case 'register':
      return {
        ...{ kind: 'register', actor: 'ann', id: `bee-${model.registered + 1}`, name: 'Maya', attributes: {} },
        capabilities: what.able.map((name) => ({ name })),
        maxConcurrentTasks: what.slots,
      };
    case 'claim':
      return claimOf(oneWorker(what.worker), what.max);
    case 'cancel':
      return { kind: 'cancel', actor: 'ann', taskId: oneTask(what.task), cascade: what.cascade };
    case 'retry': {
      const ended = model.tasks.filter(({ completedAt }) => completedAt !== null);
      return { kind: 'retry', actor: 'ann', taskId: oneTask(what.task, ended) };
    }
    case 'promote': {
      const pending = model.tasks.filter(({ dueAt }) => dueAt !== null);
      return { kind: 'promote', actor: 'kernel', taskId: oneTask(what.task, what.suited ? pending : model.tasks) };
    }
    case 'recover':
      return { kind: 'recover', actor: 'kernel', taskId: oneTask(what.task, what.suited ? executing : model.tasks) };
    case 'end_attempt': {
      const taskId = oneTask(what.task, what.suited ? executing : model.tasks);
      const leaseToken = tokenOf(model, taskId);
      return { kind: 'end_attempt', actor: 'kernel', taskId, leaseToken, random: 0.5 };
    }
    case 'mark_unroutable': {
      const taskId = oneTask(
        what.task,
        model.tasks.filter(({ status }) => status === 'queued'),
      );
      return {
        kind: 'mark_unroutable',
        actor: 'kernel',
        taskId,
        reason: 'so',
        since: what.sinceNow ? model.now.wall : 0,
      };
    }
    case 'set_policy':
      return { kind: 'set_policy', actor: 'ann', policy: { rules: POLICIES[what.rules]! }, expected: what.expected };
    case 'create_schedule':
    case 'pause_schedule':
    case 'delete_schedule':
    case 'fire_schedule':
      return aboutSchedule(what, model);
    case 'put_memory':
    case 'embed_memory':
    case 'delete_memory':
    case 'expire_memory':
      return aboutMemory(what, model);
    case 'open_vote':
      return opening(what, model);
    case 'cast_ballot':
    case 'expire_vote':
      return voting(what, model);
    case 'complete':
    case 'fail':
    case 'release':
    case 'progress':
      return settlement(what, oneTask(what.task, what.executing ? executing : model.tasks), model);
    default:
      return workerCommand(what, oneWorker(what.worker), model);
  }
}

function tokenOf(model: Model, taskId: string): number {
  return model.tasks.find(({ id }) => id === taskId)?.leaseToken ?? 1;
}

function claimOf(workerId: string, max: number): Command {
  return { kind: 'claim', actor: `worker:${workerId}`, workerId, max };
}

function submission(what: Extract<Timeless, { kind: 'submit' }>, model: Model): Command {
  const tasks = what.tasks.map((plan, index) => {
    const known = model.tasks;
    // One in many names a task that does not exist.
    const other = (n: number) => known[n % (known.length + (n % 7 === 0 ? 1 : 0) || 1)]?.id ?? 'nobody';
    const input = {
      priority: plan.priority,
      requirements: { capability: plan.capability },
      depends_on: known.length > 0 ? plan.dependsOn.map(other) : [],
      parent_id: plan.parent === null || known.length === 0 ? null : other(plan.parent),
      delay_seconds: plan.delayMs / 1000,
      max_retries: plan.retries,
      timeout_seconds: 1,
      ...(plan.risk === 'low' ? {} : { constraints: { safety_level: plan.risk } }),
      ...(plan.risk === 'forbidden' ? { payload: 'rm -rf /' } : {}),
    };
    return newTask(`t${model.tasks.length + 1 + index}`, input, model.now.wall);
  });
  const idempotency = what.key === null ? {} : { idempotency: { key: `k${what.key}`, bodyHash: `b${what.body}` } };
  return { kind: 'submit', actor: 'ann', tasks, ...idempotency };
}

type SettleAction = Extract<Timeless, { kind: 'complete' | 'fail' | 'release' | 'progress' }>;

function settlement({ kind, token, outcome, retryable }: SettleAction, taskId: string, model: Model): Command {
  const newest = tokenOf(model, taskId);
  const leaseToken = token === 'live' ? newest : token === 'old' ? newest - 1 : newest + 1;
  const lease = { actor: 'someone', taskId, leaseToken };
  if (kind === 'complete') return { kind, ...lease, result: outcome ? '"rm -rf /"' : '0' };
  if (kind === 'release') return { kind, ...lease };
  if (kind === 'progress') return { kind, ...lease, fraction: outcome / 2, message: outcome ? 'half' : null };
  return { kind, ...lease, error: `error ${outcome}`, errorTrace: outcome ? 'trace' : null, retryable, random: 0.25 };
}

/** What a policy may be: none at all, as in the beginning, and one that is soon exceeded. */
const POLICIES = [
  [],
  DEFAULT_POLICY.rules as unknown as Json[],
  [{ id: 'slow', type: 'rate_limit', action: 'reject', per_second: 1, burst: 4 }],
];

const VOTERS = ['ann', 'bob', 'eve', 'operator'];

function opening({ participants, threshold }: Extract<Timeless, { kind: 'open_vote' }>, model: Model): Command {
  const id = `v${model.asked + 1}`;
  const asked = { decision: `question ${id}`, participants: VOTERS.slice(0, participants), threshold };
  return { kind: 'open_vote', actor: 'ann', id, ...asked, expiresMs: 1000 };
}

type VoteAction = Extract<Timeless, { kind: 'cast_ballot' | 'expire_vote' }>;

function voting({ kind, vote: n, open, participant, approve }: VoteAction, model: Model): Command {
  const votes = model.votes.filter(({ status }) => !open || status === 'open');
  const { id, participants } = votes[n % (votes.length || 1)] ?? { id: 'v0', participants: VOTERS };
  if (kind === 'expire_vote') return { kind, actor: 'kernel', voteId: id };
  // One in many is somebody who was not asked.
  const voter = participants[participant % (participants.length + (n % 5 === 0 ? 1 : 0))] ?? 'mallory';
  return {
    kind,
    actor: voter,
    voteId: id,
    participant: voter,
    approve,
    reason: n % 2 === 0 ? null : `reason ${n % 3}`,
  };
}

type WorkerAction = Extract<Timeless, { keeps: number | null }>;

function workerCommand({ kind, keeps }: WorkerAction, workerId: string, model: Model): Command {
  const holds = model.workers.find(({ id }) => id === workerId)?.holds ?? [];
  const actor = ['lose_worker', 'revoke_leases', 'try_worker'].includes(kind) ? 'kernel' : 'ann';
  if (kind === 'heartbeat')
    return { kind, actor, workerId, ...(keeps === null ? {} : { tasks: holds.slice(0, keeps) }) };
  if (kind === 'unregister') return { kind, actor, workerId, reason: 'unregistered' };
  return { kind, actor, workerId };
}

/** Somebody to work, so that a story has a middle. */
export const OPENING: readonly Action[] = [
  { together: false, what: { kind: 'register', able: ['dig'], slots: 2 } },
  { together: true, what: { kind: 'register', able: ['dig', 'fly'], slots: 3 } },
];
