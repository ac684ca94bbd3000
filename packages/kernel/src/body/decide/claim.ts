import type { Assignment, Chosen, Claim, Replies } from '../../core/command.ts';
import type { Refusal } from '../../core/errors.ts';
import type { Task } from '../../core/task.ts';
import { freeSlots, type Worker } from '../../core/worker.ts';
import { decisionText } from '../../mind/decision.ts';
import { lanesFor } from '../../mind/eligibility.ts';
import { score } from '../../mind/scoring.ts';
import { Change } from '../change.ts';
import { Front } from '../front.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { noSuchWorker } from './missing.ts';
import { bringBack } from './workers.ts';

export function needs(slice: Slice, command: Claim, wanted: Wanted): void {
  if (!wanted.worker(command.workerId)) return;
  const worker = slice.worker(command.workerId);
  // What the mind has chosen it has seen.
  if (!worker || command.chosen) return;
  const count = mayTake(slice, worker, command.max);
  if (count > 0) for (const { key } of lanesFor(worker, slice.queue)) wanted.lane(key, count);
}

/** How many tasks this worker may be given now: its wish, its free slots, and the colony's room. */
function mayTake(slice: Slice, worker: Worker, max: number): number {
  return worker.draining ? 0 : Math.min(max, freeSlots(worker), slice.room);
}

export function decide(slice: Slice, command: Claim): Decision<Replies['claim']> | Refusal {
  const found = slice.worker(command.workerId);
  if (!found) return noSuchWorker(command.workerId);
  const change = new Change(slice, command.actor);
  const worker = bringBack(change, found);
  const chosen = command.chosen ?? pick(slice, worker, mayTake(slice, worker, command.max));
  if (chosen.length === 0) {
    change.heldBack = isHeldBack(slice, worker);
    return { change, reply: { assignments: [] } };
  }

  const assignments = chosen.map(({ taskId, routing }) => assign(change, worker, slice.liveTask(taskId), routing));
  change.updateWorker(worker, {
    holds: [...worker.holds, ...chosen.map(({ taskId }) => taskId)],
    lastHeartbeat: slice.now.wall,
  });
  return { change, reply: { assignments } };
}

function isHeldBack(slice: Slice, worker: Worker): boolean {
  if (slice.room > 0 || worker.draining || freeSlots(worker) === 0) return false;
  return lanesFor(worker, slice.queue).length > 0;
}

/** The best `count` tasks over the heads of the lanes the worker may take from. Nobody else is asked. */
function pick(slice: Slice, worker: Worker, count: number): Chosen[] {
  const chosen: Chosen[] = [];
  if (count === 0) return chosen;
  const front = new Front(slice, lanesFor(worker, slice.queue));
  for (let next = front.next(); next !== null && chosen.length < count; next = front.next()) {
    const contender = { worker, taken: chosen.length, waitedMs: 0 };
    const scored = score([contender], next.task, next.lane, slice.rules.mind, slice.now.wall);
    chosen.push({ taskId: next.task.id, routing: decisionText(scored, 0) });
    front.take();
  }
  return chosen;
}

/** queued → executing, under a lease with the next fencing token. */
function assign(change: Change, worker: Worker, task: Task, routing: string): Assignment {
  const { now } = change.slice;
  const next = change.update(task, {
    status: 'executing',
    attempt: task.attempt + 1,
    leaseToken: Math.max(task.leaseToken, change.slice.tokenFloor) + 1,
    worker: worker.id,
    routing,
    lastOutcome: null,
    startedAt: now.wall,
    deadline: now.steady + task.timeoutMs,
    progress: null,
    error: null,
    errorTrace: null,
  });
  change.event('task_assigned', 'neurosphere', {
    attempt: next.attempt,
    lease_token: next.leaseToken,
    task_id: next.id,
    worker_id: worker.id,
  });
  return { task: next, token: next.leaseToken };
}
