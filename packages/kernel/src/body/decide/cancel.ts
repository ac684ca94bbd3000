import { contentHash } from '../../core/chain.ts';
import type { Cancel, Replies, Retry } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import type { Tombstone } from '../../core/store.ts';
import { isTerminal, type Spec, type Task } from '../../core/task.ts';
import type { Policy } from '../../guardian/policy.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { cancelDependents, freeSlot } from './ending.ts';
import {
  askForApproval,
  judge,
  nextVote,
  readPolicy,
  rejectionOf,
  tellRejection,
  tellVerdict,
  type Verdict,
} from './judging.ts';
import { noSuchTask } from './missing.ts';
import { needs as needsPolicy, POLICY, policyOf } from './policy.ts';
import { refersToResults, resolutionOf, type TaskOf } from './resolving.ts';
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
  if (!task || 'removed' in task || !mayRunAgain(task)) return;
  let isKnown = slice.hasDocument(POLICY);
  for (const id of task.spec.value.depends_on) isKnown = wanted.task(id) && isKnown;
  if (!isKnown) return;
  const policy = policyOf(slice.document(POLICY), slice.rules.guardian.types);
  const outlook = outlookOf(task, (id) => slice.task(id), policy, command);
  if ('error' in outlook) return;
  // Only what is rejected is an end, for others as well; to look for them may take long where a plan is large.
  if (outlook.verdict.verdict === 'reject') wanted.fall(task.id);
  else if (task.plan !== null) wanted.planEnd(task.plan, 0);
}

function mayRunAgain({ status }: Task): boolean {
  return status === 'failed' || status === 'timeout' || status === 'cancelled';
}

/** What a task that is to run again says by now, and what the guardian says of that; or why it cannot, for people. */
function outlookOf(task: Task, taskOf: TaskOf, policy: Policy, command: Retry): Outlook | { readonly error: string } {
  const { depends_on } = task.spec.value;
  const dependencies = new Map(depends_on.map((id) => [id, taskOf(id)]));
  for (const [id, dependency] of dependencies) {
    if (isLost(dependency)) {
      return { error: `it depends on task ${id}, which is ${dependency?.status ?? 'gone'} and cannot run again` };
    }
  }
  const unmet = depends_on.filter((id) => dependencies.get(id)?.status !== 'completed').length;
  if (unmet === 0 && refersToResults(task)) {
    const resolution = resolutionOf(task, (id) => dependencies.get(id) ?? null, policy);
    return 'error' in resolution ? resolution : { ...resolution, unmet };
  }
  const { spec } = task;
  const verdict = judge(policy, { spec: spec.value, json: spec.json }, contentHash(spec.json), command);
  return { spec, verdict, unmet };
}

interface Outlook {
  readonly spec: Spec;
  readonly verdict: Verdict;
  /** How many of its dependencies have not completed. */
  readonly unmet: number;
}

/** It has not completed, and nobody can let it run again. */
function isLost(task: Task | Tombstone | null): boolean {
  return task === null || ('removed' in task ? task.status !== 'completed' : task.status === 'rejected');
}

/** An ended task is judged again and goes back into the queue; its attempts and its fencing token go on. */
export function retry(slice: Slice, command: Retry): Decision<Replies['retry']> | Refusal {
  const task = slice.task(command.taskId);
  if (!task || 'removed' in task) return noSuchTask(command.taskId);
  if (!mayRunAgain(task)) {
    return new Refusal(
      'invalid_transition',
      `Task ${task.id} is ${task.status}; only failed, timeout and cancelled tasks can be retried.`,
    );
  }
  const { now } = slice;
  const { run_at } = task.spec.value;
  const change = new Change(slice, command.actor);
  const outlook = outlookOf(task, (id) => change.readTask(id), readPolicy(change), command);
  if ('error' in outlook) {
    return new Refusal('invalid_transition', `Task ${task.id} cannot be retried: ${outlook.error}.`);
  }
  const { spec, verdict, unmet } = outlook;
  const dueAt = run_at !== null && Date.parse(run_at) > now.wall ? Date.parse(run_at) : null;
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
    // Some of them may have been told to run again before, and wait for it since.
    cancelDependents(change, next);
    return { change, reply: { task: next } };
  }
  tellVerdict(change, task.id, verdict);
  change.event('task_requeued', 'kernel', { reason: 'retried_by_hand', status: next.status, task_id: task.id });
  if (asks) askForApproval(change, next, verdict);
  return { change, reply: { task: next } };
}
