import { contentHash } from '../../core/chain.ts';
import type { Cancel, Replies, Retry } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import { isTerminal, type Task } from '../../core/task.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { cancelDependents, freeSlot } from './ending.ts';
import { askForApproval, judge, nextVote, readPolicy, rejectionOf, tellRejection, tellVerdict } from './judging.ts';
import { noSuchTask } from './missing.ts';
import { needs as needsPolicy } from './policy.ts';
import { refersToResults, resolutionOf } from './resolving.ts';
import { callOffVote } from './vote-records.ts';
import { waitFor } from './waiting.ts';

/** The two things a submitter may do to a task by hand: call it off, and run it again once it has ended. */

export function needsCancel(slice: Slice, command: Cancel, wanted: Wanted): void {
  const { taskId, cascade } = command;
  if (!wanted.task(taskId) || (cascade && !wanted.allDescendants(taskId))) return;
  const task = slice.task(taskId);
  if (!task || 'removed' in task) return;
  const members = cascade ? family(task, (id) => slice.childrenOf(id)) : [task];
  wanted.fallOfAll(members.map(({ id }) => id));
}

export function cancel(slice: Slice, command: Cancel): Decision<Replies['cancel']> | Refusal {
  const task = slice.task(command.taskId);
  if (!task || 'removed' in task) return noSuchTask(command.taskId);
  if (isTerminal(task)) {
    return new Refusal(
      'invalid_transition',
      `Task ${task.id} is already ${task.status}; only unfinished tasks can be cancelled.`,
    );
  }
  const change = new Change(slice, command.actor);
  for (const { id } of command.cascade ? family(task, (id) => change.childrenOf(id)) : [task]) {
    const one = change.liveTask(id);
    if (isTerminal(one)) continue;
    cancelDependents(change, callOff(change, one, id === task.id ? 'requested' : 'parent_cancelled'));
  }
  return { change, reply: { task: change.liveTask(task.id) } };
}

/** The task and all its descendants. */
function family(task: Task, childrenOf: (id: string) => readonly Task[]): Task[] {
  const members = [task];
  for (let at = 0; at < members.length; at++) members.push(...childrenOf(members[at]!.id));
  return members;
}

/** Ends a task that has not ended; what depends on it is left to the caller. @param error what the task says of it */
export function callOff(change: Change, task: Task, reason: string, error: string | null = task.error): Task {
  callOffVote(change, task);
  const ended = change.update(task, {
    status: 'cancelled',
    pendingReason: null,
    dueAt: null,
    deadline: null,
    error,
    completedAt: change.slice.now.wall,
  });
  const { worker } = task;
  const running = task.status === 'executing' && worker !== null;
  change.event('task_cancelled', 'kernel', {
    reason,
    task_id: task.id,
    ...(running ? { worker_id: worker } : {}),
  });
  if (running) freeSlot(change, task, 'none');
  return ended;
}

export function needsRetry(slice: Slice, command: Retry, wanted: Wanted): void {
  needsPolicy(wanted);
  const task = wanted.task(command.taskId) && slice.task(command.taskId);
  if (!task || 'removed' in task) return;
  for (const id of task.spec.value.depends_on) wanted.task(id);
  // Should it be rejected now, its plan may be at its end.
  if (task.plan !== null) wanted.fall(task.id);
}

/** An ended task is judged again and goes back into the queue; its attempts and its fencing token go on. */
export function retry(slice: Slice, command: Retry): Decision<Replies['retry']> | Refusal {
  const task = slice.task(command.taskId);
  if (!task || 'removed' in task) return noSuchTask(command.taskId);
  if (task.status !== 'failed' && task.status !== 'timeout' && task.status !== 'cancelled') {
    return new Refusal(
      'invalid_transition',
      `Task ${task.id} is ${task.status}; only failed, timeout and cancelled tasks can be retried.`,
    );
  }
  const { now } = slice;
  const { depends_on, run_at } = task.spec.value;
  const change = new Change(slice, command.actor);
  const unmet = depends_on.filter((id) => change.readTask(id)?.status !== 'completed').length;
  const dueAt = run_at !== null && Date.parse(run_at) > now.wall ? Date.parse(run_at) : null;
  const policy = readPolicy(change);
  const resolution = unmet === 0 && refersToResults(task) ? resolutionOf(task, (id) => change.task(id), policy) : null;
  if (resolution && 'error' in resolution) {
    return new Refusal('invalid_transition', `Task ${task.id} cannot be retried: ${resolution.error}.`);
  }
  const { spec } = resolution ?? task;
  const subject = { spec: spec.value, json: spec.json };
  const verdict = resolution?.verdict ?? judge(policy, subject, contentHash(spec.json), command);
  const isRejected = verdict.verdict === 'reject';
  const asks = verdict.verdict === 'require_approval';
  const wait = isRejected ? null : waitFor({ asks, unmet, dueAt }, now.wall);
  const status = isRejected ? 'rejected' : wait === null ? 'queued' : 'pending';
  const vote = asks ? nextVote(task) : task.vote;
  const next = change.update(task, {
    status,
    spec,
    pendingReason: wait,
    unmet,
    dueAt: wait === 'scheduled' ? dueAt : null,
    vote,
    retryCount: 0,
    losses: 0,
    worker: null,
    lastOutcome: null,
    queuedAt: status === 'queued' ? now.wall : null,
    startedAt: null,
    completedAt: isRejected ? now.wall : null,
    progress: null,
    result: null,
    error: isRejected ? rejectionOf(verdict) : null,
    errorTrace: null,
  });
  if (isRejected) {
    tellRejection(change, task.id, verdict);
    return { change, reply: { task: next } };
  }
  tellVerdict(change, task.id, verdict);
  change.event('task_requeued', 'kernel', { reason: 'retried_by_hand', status: next.status, task_id: task.id });
  if (asks) askForApproval(change, next, verdict);
  return { change, reply: { task: next } };
}
