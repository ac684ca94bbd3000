import type { Drain, Heartbeat, LoseWorker, Register, Replies, RevokeLeases, Unregister } from '../../core/command.ts';
import { Bug, type Refusal } from '../../core/errors.ts';
import type { Task } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { cancelDependents, freeSlot } from './ending.ts';
import { noSuchWorker } from './missing.ts';
import { needsJudging } from './quarantine.ts';

type AboutWorker = Heartbeat | Drain | Unregister | LoseWorker | RevokeLeases;

/** The worker, what it holds, and what would fall if one of those were lost for the last time. */
export function needs(slice: Slice, command: AboutWorker, wanted: Wanted): void {
  const worker = wanted.worker(command.workerId) && slice.worker(command.workerId);
  if (!worker || command.kind === 'drain') return;
  const lost: string[] = [];
  for (const id of worker.holds) {
    if (wanted.task(id) && command.kind === 'lose_worker' && isLastLoss(slice, id)) lost.push(id);
  }
  if (lost.length === 0) return;
  wanted.fallOfAll(lost);
  needsJudging(slice, wanted, command.workerId);
}

function isLastLoss(slice: Slice, taskId: string): boolean {
  return slice.liveTask(taskId).losses + 1 >= slice.rules.maxLeaseLosses;
}

export function register(slice: Slice, command: Register): Decision<Replies['register']> {
  const { id, name, capabilities, attributes, maxConcurrentTasks } = command;
  const change = new Change(slice, command.actor);
  const worker = change.createWorker({
    id,
    version: 1,
    profile: { name, capabilities, attributes, maxConcurrentTasks },
    holds: [],
    offline: false,
    draining: false,
    registeredAt: slice.now.wall,
    lastHeartbeat: slice.now.wall,
    completed: 0,
    failed: 0,
    busyMs: 0,
    recent: '',
    experience: [],
    quarantine: null,
  });
  change.event('worker_registered', 'kernel', { name, worker_id: id });
  return { change, reply: { worker } };
}

/** A worker that had been given up for lost is back, under its own id. */
export function bringBack(change: Change, worker: Worker): Worker {
  if (!worker.offline) return worker;
  change.event('worker_online', 'kernel', { worker_id: worker.id });
  return change.updateWorker(worker, { offline: false, lastHeartbeat: change.slice.now.wall });
}

export function heartbeat(slice: Slice, command: Heartbeat): Decision<Replies['heartbeat']> | Refusal {
  const found = slice.worker(command.workerId);
  if (!found) return noSuchWorker(command.workerId);
  const change = new Change(slice, command.actor);
  const worker = bringBack(change, found);
  if (command.tasks) {
    for (const id of worker.holds) if (!command.tasks.includes(id)) requeue(change, worker.id, id, 'not_held');
  }
  return { change, reply: { worker: change.worker(worker.id) ?? worker } };
}

export function drain(slice: Slice, command: Drain): Decision<Replies['drain']> | Refusal {
  const worker = slice.worker(command.workerId);
  if (!worker) return noSuchWorker(command.workerId);
  if (worker.holds.length === 0) return leave(slice, worker, command.actor, 'drained');
  if (worker.draining) return { change: null, reply: { worker } };
  const change = new Change(slice, command.actor);
  const next = change.updateWorker(worker, { draining: true });
  change.event('worker_draining', 'kernel', { worker_id: worker.id });
  return { change, reply: { worker: next } };
}

export function unregister(slice: Slice, command: Unregister): Decision<Replies['unregister']> | Refusal {
  const worker = slice.worker(command.workerId);
  if (!worker) return noSuchWorker(command.workerId);
  // It may have come back since it was looked at.
  const isBack = command.reason === 'retention' && (!worker.offline || worker.holds.length > 0);
  if (isBack) return { change: null, reply: { worker } };
  return leave(slice, worker, command.actor, command.reason);
}

/** The worker goes; what it held goes back to the queue. */
function leave(slice: Slice, worker: Worker, actor: string, reason: string): Decision<{ worker: Worker }> {
  const change = new Change(slice, actor);
  for (const id of worker.holds) requeue(change, worker.id, id, 'worker_unregistered');
  const last = change.worker(worker.id);
  if (last) {
    change.removeWorker(last);
    change.event('worker_unregistered', 'kernel', { reason, worker_id: worker.id });
  }
  return { change, reply: { worker } };
}

/** Nothing was heard of the worker for a whole lease: its leases are void, and what it held is taken away. */
export function lose(slice: Slice, command: LoseWorker): Decision<Replies['lose_worker']> | Refusal {
  const worker = slice.worker(command.workerId);
  if (!worker) return noSuchWorker(command.workerId);
  if (worker.offline) return { change: null, reply: { worker } };
  const change = new Change(slice, command.actor);
  const offline = change.updateWorker(worker, { offline: true });
  change.event('worker_offline', 'kernel', { worker_id: worker.id });
  for (const id of worker.holds) {
    if (isLastLoss(slice, id)) giveUp(change, worker.id, id);
    else requeue(change, worker.id, id, 'lease_expired');
  }
  return { change, reply: { worker: change.worker(worker.id) ?? offline } };
}

/** What it holds goes back to the queue, through no fault of its own. */
export function revoke(slice: Slice, command: RevokeLeases): Decision<Replies['revoke_leases']> | Refusal {
  const worker = slice.worker(command.workerId);
  if (!worker) return noSuchWorker(command.workerId);
  const change = new Change(slice, command.actor);
  for (const id of worker.holds) requeue(change, worker.id, id, command.reason ?? 'failover');
  return { change, reply: { worker: change.worker(worker.id) ?? worker } };
}

/** executing → queued, keeping its place. Only an expired lease counts as a loss. */
function requeue(
  change: Change,
  workerId: string,
  taskId: string,
  reason: 'lease_expired' | 'not_held' | 'worker_unregistered' | 'failover' | 'rollback',
): void {
  const task = heldBy(change, workerId, taskId);
  const losses = task.losses + (reason === 'lease_expired' ? 1 : 0);
  change.update(task, {
    status: 'queued',
    losses,
    worker: null,
    deadline: null,
    startedAt: null,
    queuedAt: change.slice.now.wall,
  });
  change.event('task_requeued', 'kernel', {
    attempt: task.attempt,
    losses,
    reason,
    task_id: taskId,
    worker_id: task.worker,
  });
  freeSlot(change, task, 'none');
}

/** It took down one worker after the other: it fails rather than go on doing so. */
function giveUp(change: Change, workerId: string, taskId: string): void {
  const task = heldBy(change, workerId, taskId);
  const ended = change.update(task, {
    status: 'failed',
    losses: task.losses + 1,
    deadline: null,
    error: 'lease_losses_exceeded',
    completedAt: change.slice.now.wall,
  });
  change.event('task_failed', `worker:${task.worker}`, {
    attempt: task.attempt,
    error: 'lease_losses_exceeded',
    task_id: taskId,
    worker_id: task.worker,
  });
  freeSlot(change, task, 'failed');
  cancelDependents(change, ended);
}

/** What a worker holds; records that say otherwise of each other were read while somebody changed them. */
function heldBy(change: Change, workerId: string, taskId: string): Task {
  const task = change.liveTask(taskId);
  if (task.worker !== workerId) throw new Bug(`task ${taskId} is not held by worker ${workerId}`);
  return task;
}
