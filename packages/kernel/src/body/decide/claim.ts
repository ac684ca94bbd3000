import type { Assignment, Claim, Replies } from '../../core/command.ts';
import type { Refusal } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { levelOf } from '../../core/lane.ts';
import type { Task } from '../../core/task.ts';
import { freeSlots, type Worker } from '../../core/worker.ts';
import { PRIORITIES } from '../../mind/aging.ts';
import { mayTakeFrom } from '../../mind/matching.ts';
import { Change } from '../change.ts';
import { FairOrder } from '../fair-order.ts';
import type { LaneView } from '../lane-view.ts';
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
  if (!worker) return;
  const count = mayTake(slice, worker, command.max);
  if (count === 0) return;
  for (const [key, requirements] of eligibleLanes(slice, worker)) {
    slice.headroom.needs(key, requirements, wanted);
    if (slice.headroom.in(key, requirements) > 0) wantLane(slice, wanted, key, count);
  }
}

/** Where tasks age the next of a lane may be the first of any priority. */
function wantLane(slice: Slice, wanted: Wanted, key: string, count: number): void {
  if (slice.rules.priorityAgingMs === 0) wanted.lane(key, count);
  else for (const priority of PRIORITIES) wanted.lane(key, count, priority);
}

/** As far as they were wanted. */
function viewsOf(slice: Slice, key: string): (LaneView | undefined)[] {
  if (slice.rules.priorityAgingMs === 0) return [slice.lane(key)];
  return PRIORITIES.map((priority) => slice.lane(levelOf(key, priority)));
}

/** How many tasks this worker may be given now: its wish, its free slots, and the colony's room. */
export function mayTake(slice: Slice, worker: Worker, max: number): number {
  return worker.draining ? 0 : Math.min(max, freeSlots(worker), slice.room);
}

function* eligibleLanes(slice: Slice, worker: Worker): Iterable<readonly [key: string, requirements: JsonObject]> {
  for (const lane of slice.lanes()) if (mayTakeFrom(worker, ...lane)) yield lane;
}

export function decide(slice: Slice, command: Claim): Decision<Replies['claim']> | Refusal {
  const found = slice.worker(command.workerId);
  if (!found) return noSuchWorker(command.workerId);
  const change = new Change(slice, command.actor);
  const worker = bringBack(change, found);
  const order = new FairOrder(slice);
  const tasks = pick(slice, order, worker, mayTake(slice, worker, command.max));
  if (tasks.length > 0) spendTokens(change, tasks);
  change.passedOver = passedOver(change, order);
  if (tasks.length === 0) {
    change.heldBack = isHeldBack(slice, worker);
    return { change, reply: { assignments: [] } };
  }

  const assignments = tasks.map((task) => assign(change, worker, task));
  change.updateWorker(worker, {
    holds: [...worker.holds, ...tasks.map((task) => task.id)],
    lastHeartbeat: slice.now.wall,
  });
  return { change, reply: { assignments } };
}

function isHeldBack(slice: Slice, worker: Worker): boolean {
  if (slice.room > 0 || worker.draining || freeSlots(worker) === 0) return false;
  for (const _ of eligibleLanes(slice, worker)) return true;
  return false;
}

/** The best `count` tasks over the heads of the lanes the worker may take from. */
function pick(slice: Slice, order: FairOrder, worker: Worker, count: number): Task[] {
  const tasks: Task[] = [];
  if (count === 0) return tasks;
  const heads: Head[] = [];
  for (const [key, requirements] of eligibleLanes(slice, worker)) {
    const views = viewsOf(slice, key);
    if (slice.headroom.in(key, requirements) > 0) {
      for (const lane of views) heads.push({ lane: lane!, requirements, at: 0 });
      // What a bound keeps closed need not be loaded to know that something is kept back there.
    } else if (views.some((lane) => !lane || lane.length > 0 || lane.more)) order.mayStart(key, requirements);
  }
  while (tasks.length < count) {
    const best = first(heads, order);
    if (!best) break;
    const task = best.lane.at(best.at++)!;
    tasks.push(task);
    order.picked(task, best.requirements);
  }
  return tasks;
}

interface Head {
  readonly lane: LaneView;
  readonly requirements: JsonObject;
  at: number;
}

/** The lane whose next task is the next of all. */
function first(heads: readonly Head[], order: FairOrder): Head | undefined {
  let best: Head | undefined;
  let task: Task | undefined;
  for (const head of heads) {
    const other = head.lane.at(head.at);
    if (!other || !order.mayStart(other.lane, head.requirements)) continue;
    if (task && order.compare(other, task) >= 0) continue;
    best = head;
    task = other;
  }
  return best;
}

/** queued → executing, under a lease with the next fencing token. */
function assign(change: Change, worker: Worker, task: Task): Assignment {
  const { now } = change.slice;
  const next = change.update(task, {
    status: 'executing',
    attempt: task.attempt + 1,
    leaseToken: Math.max(task.leaseToken, change.slice.tokenFloor) + 1,
    worker: worker.id,
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
