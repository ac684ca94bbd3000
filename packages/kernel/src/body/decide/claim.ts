import type { Assignment, Chosen, Claim, Replies } from '../../core/command.ts';
import type { Refusal } from '../../core/errors.ts';
import type { Task } from '../../core/task.ts';
import { freeSlots, type Worker } from '../../core/worker.ts';
import { decisionText } from '../../mind/decision.ts';
import { eligibility, type LaneFacts, laneCountFor } from '../../mind/eligibility.ts';
import { score } from '../../mind/scoring.ts';
import { Change } from '../change.ts';
import { FairOrder } from '../fair-order.ts';
import { Front, isOverAll, wantAll, wantBehind, wantLanes } from '../front.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { mayBeLimited, passedOver, spendTokens } from './limiting.ts';
import { noSuchWorker } from './missing.ts';
import { needs as needsPolicy } from './policy.ts';
import { bringBack } from './workers.ts';

export function needs(slice: Slice, command: Claim, wanted: Wanted): void {
  if (mayBeLimited(slice)) needsPolicy(wanted);
  if (!wanted.worker(command.workerId)) return;
  const worker = slice.worker(command.workerId);
  // What the mind has chosen it has seen.
  if (!worker || command.chosen) return;
  const count = mayTake(slice, worker, command.max);
  if (count === 0) return;
  if (isOverAll(slice, laneCountFor(worker, slice.queue))) {
    const isOpen = (lane: LaneFacts) => eligibility(worker, lane) > 0;
    wantAll(slice, isOpen, count);
    if (slice.headroom.isLimited && wanted.complete) wantBehind(slice, isOpen, count);
  } else wantLanes(slice, slice.queue.lanesFor(worker), count);
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
  const chosen = command.chosen ?? pick(change, worker, mayTake(slice, worker, command.max));
  if (chosen.length === 0) {
    change.heldBack = isHeldBack(slice, worker);
    return { change, reply: { assignments: [] } };
  }

  const tasks = chosen.map(({ taskId }) => slice.liveTask(taskId));
  spendTokens(change, tasks);
  const assignments = tasks.map((task, at) => assign(change, worker, task, chosen[at]!.routing));
  change.updateWorker(worker, {
    holds: [...worker.holds, ...chosen.map(({ taskId }) => taskId)],
    lastHeartbeat: slice.now.wall,
  });
  return { change, reply: { assignments } };
}

function isHeldBack(slice: Slice, worker: Worker): boolean {
  if (slice.room > 0 || worker.draining || freeSlots(worker) === 0) return false;
  return slice.queue.lanesFor(worker).length > 0;
}

/** The best `count` tasks over the heads of the lanes the worker may take from. Nobody else is asked. */
function pick(change: Change, worker: Worker, count: number): Chosen[] {
  const { slice } = change;
  const chosen: Chosen[] = [];
  if (count === 0) return chosen;
  const order = new FairOrder(slice);
  const front = isOverAll(slice, laneCountFor(worker, slice.queue))
    ? new Front(slice, order, null, (lane) => eligibility(worker, lane) > 0)
    : new Front(slice, order, slice.queue.lanesFor(worker));
  while (chosen.length < count) {
    const next = front.next();
    if (next === null) break;
    const contender = { worker, taken: chosen.length, waitedMs: 0 };
    const scored = score([contender], next.task, next.lane, slice.rules.mind, slice.now.wall);
    chosen.push({ taskId: next.task.id, routing: decisionText(scored, 0) });
    front.take();
  }
  change.passedOver = passedOver(change, order);
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
