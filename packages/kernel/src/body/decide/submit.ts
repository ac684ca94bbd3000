import type { IdempotencyKey, NewTask, Replies, Submit } from '../../core/command.ts';
import { type FieldError, Refusal } from '../../core/errors.ts';
import type { IdempotencyRecord } from '../../core/store.ts';
import { Spec, type Task, TERMINAL } from '../../core/task.ts';
import type { Policy } from '../../guardian/policy.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import {
  askForApproval,
  countAgainstLimits,
  judge,
  needsJudging,
  nextVote,
  readPolicy,
  rejectionOf,
  tellRejection,
  tellVerdict,
} from './judging.ts';
import { waitFor } from './waiting.ts';

export const IDEMPOTENCY_MS = 24 * 60 * 60 * 1000;

export function needs(slice: Slice, command: Submit, wanted: Wanted): void {
  if (command.idempotency && wanted.idempotency(command.idempotency.key)) {
    const record = validRecord(slice, command.idempotency);
    if (record) {
      for (const id of record.taskIds) wanted.task(id);
      return;
    }
  }
  needsJudging(slice, wanted, command.tasks);
  wanted.sequences(command.tasks.length);
  for (const { spec } of command.tasks) {
    for (const id of spec.depends_on) wanted.task(id);
    if (spec.parent_id !== null) wanted.task(spec.parent_id);
  }
}

export function decide(slice: Slice, command: Submit): Decision<Replies['submit']> | Refusal {
  const record = command.idempotency && validRecord(slice, command.idempotency);
  if (record) return replay(slice, command, record);

  const errors = command.tasks.flatMap((task) => checkReferences(slice, task));
  if (errors.length > 0) {
    return new Refusal('validation_failed', errors[0]!.message, { errors });
  }
  const change = new Change(slice, command.actor);
  const policy = readPolicy(change);
  const refusal = countAgainstLimits(change, policy, command.tasks);
  if (refusal) return refusal;
  const tasks = command.tasks.map((task, index) => admit(change, policy, task, slice.sequences.at(index)));
  if (command.idempotency) {
    change.remember({ ...command.idempotency, taskIds: tasks.map((task) => task.id), at: slice.now.wall });
  }
  return { change, reply: { tasks, replayed: false } };
}

export function validRecord(slice: Slice, { key }: IdempotencyKey): IdempotencyRecord | null {
  const record = slice.idempotency(key);
  return record && record.at > slice.now.wall - IDEMPOTENCY_MS ? record : null;
}

function replay(slice: Slice, command: Submit, record: IdempotencyRecord): Decision<Replies['submit']> | Refusal {
  if (record.bodyHash !== command.idempotency!.bodyHash) {
    return keyConflict();
  }
  const tasks: Task[] = [];
  for (const id of record.taskIds) {
    const task = slice.task(id);
    if (!task || 'removed' in task) {
      return keyConflict(`task ${id}`);
    }
    tasks.push(task);
  }
  return { change: null, reply: { tasks, replayed: true } };
}

/** @param gone what the key belongs to, if that is not there any more */
export function keyConflict(gone?: string): Refusal {
  return new Refusal(
    'idempotency_conflict',
    gone === undefined
      ? 'This Idempotency-Key was used with another body within the last 24 hours; use a new key for new work.'
      : `This Idempotency-Key belongs to ${gone}, which has ended and was removed by retention; use a new key.`,
  );
}

/** What is wrong with the tasks that a new one names. */
export function checkReferences(slice: Pick<Slice, 'task' | 'rules'>, { spec, path }: NewTask): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, id] of spec.depends_on.entries()) {
    if (slice.task(id) === null) {
      errors.push({
        path: `${path}/depends_on/${index}`,
        message: `depends_on names task ${id}, which does not exist.`,
      });
    }
  }
  return [...errors, ...checkParent(slice, spec.parent_id, path)];
}

/** A task's parent, if it is to have one, must be there, and not be nested too deep itself. */
export function checkParent(slice: Pick<Slice, 'task' | 'rules'>, id: string | null, path: string): FieldError[] {
  if (id === null) return [];
  const parent = slice.task(id);
  const at = `${path}/parent_id`;
  if (parent === null || 'removed' in parent) {
    return [{ path: at, message: `parent_id names task ${id}, which does not exist.` }];
  }
  const { maxTaskDepth } = slice.rules;
  if (parent.depth < maxTaskDepth) return [];
  return [{ path: at, message: `Tasks may be nested at most ${maxTaskDepth} deep by parent_id.` }];
}

/** Lets one task into the colony: judged, then queued, waiting, or cancelled because a dependency has failed. */
export function admit(change: Change, policy: Policy, asked: NewTask, seq: number, plan: string | null = null): Task {
  const { id, spec, json, contentHash, lane } = asked;
  const { now } = change.slice;
  const parent = spec.parent_id === null ? null : (change.readTask(spec.parent_id) as Task);
  const dueAt = spec.run_at === null ? null : Date.parse(spec.run_at);
  const dependencies = spec.depends_on.map((other) => change.readTask(other)!);
  const unmet = dependencies.filter((task) => task.status !== 'completed').length;
  const failed = dependencies.find((task) => task.status !== 'completed' && TERMINAL.has(task.status));
  const verdict = judge(policy, asked, contentHash, asked);
  const isRejected = verdict.verdict === 'reject';
  const asks = verdict.verdict === 'require_approval';
  const wait = waitFor({ asks, unmet, dueAt }, now.wall);
  const status = isRejected ? 'rejected' : failed ? 'cancelled' : wait === null ? 'queued' : 'pending';
  const vote = asks && status === 'pending' ? nextVote({ id, vote: null }) : null;

  const task = change.create({
    id,
    seq,
    version: 1,
    spec: new Spec(json, spec),
    lane,
    priority: spec.priority,
    createdAt: now.wall,
    timeoutMs: spec.timeout_seconds * 1000,
    depth: parent ? parent.depth + 1 : 0,
    plan,
    status,
    pendingReason: status === 'pending' ? wait : null,
    unmet,
    dueAt: status === 'pending' && wait === 'scheduled' ? dueAt : null,
    vote,
    attempt: 0,
    retryCount: 0,
    losses: 0,
    leaseToken: 0,
    worker: null,
    lastOutcome: null,
    deadline: null,
    queuedAt: status === 'queued' ? now.wall : null,
    startedAt: null,
    completedAt: isRejected || failed ? now.wall : null,
    progress: null,
    result: null,
    error: isRejected ? rejectionOf(verdict) : failed ? 'dependency_failed' : null,
    errorTrace: null,
    routing: null,
  });
  if (!isRejected) tellVerdict(change, id, verdict);
  change.event('task_submitted', 'kernel', {
    created_by: spec.created_by,
    ...(spec.parent_id === null ? {} : { parent_id: spec.parent_id }),
    ...(plan === null ? {} : { plan_id: plan }),
    priority: spec.priority,
    status: isRejected || failed ? 'pending' : status,
    task_id: id,
  });
  if (vote !== null) askForApproval(change, task, verdict);
  else if (isRejected) tellRejection(change, id, verdict);
  else if (failed) {
    change.event('task_cancelled', 'kernel', { dependency: failed.id, reason: 'dependency_failed', task_id: id });
  }
  return task;
}
