import type { Assignment, Claim, Replies } from '../../core/command.ts';
import type { Refusal } from '../../core/errors.ts';
import { groupOf } from '../../core/lane.ts';
import type { Task } from '../../core/task.ts';
import { freeSlots, type Worker } from '../../core/worker.ts';
import { mayTakeFrom } from '../../mind/matching.ts';
import { byTurn, type Group, RotationAhead } from '../../mind/rotation.ts';
import { Change } from '../change.ts';
import type { LaneView } from '../lane-view.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { noSuchWorker } from './missing.ts';
import { bringBack } from './workers.ts';

export function needs(slice: Slice, command: Claim, wanted: Wanted): void {
  if (!wanted.worker(command.workerId)) return;
  const worker = slice.worker(command.workerId);
  if (!worker) return;
  const count = mayTake(slice, worker, command.max);
  if (count > 0) for (const key of eligibleLanes(slice, worker)) wanted.lane(key, count);
}

/** How many tasks this worker may be given now: its wish, its free slots, and the colony's room. */
export function mayTake(slice: Slice, worker: Worker, max: number): number {
  return worker.draining ? 0 : Math.min(max, freeSlots(worker), slice.room);
}

export function* eligibleLanes(slice: Slice, worker: Worker): Iterable<string> {
  for (const [key, requirements] of slice.lanes()) if (mayTakeFrom(worker, key, requirements)) yield key;
}

export function decide(slice: Slice, command: Claim): Decision<Replies['claim']> | Refusal {
  const found = slice.worker(command.workerId);
  if (!found) return noSuchWorker(command.workerId);
  const change = new Change(slice, command.actor);
  const worker = bringBack(change, found);
  const tasks = pick(slice, worker, mayTake(slice, worker, command.max));
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
function pick(slice: Slice, worker: Worker, count: number): Task[] {
  const tasks: Task[] = [];
  if (count === 0) return tasks;
  const heads: Head[] = [];
  for (const key of eligibleLanes(slice, worker)) heads.push({ lane: slice.lane(key)!, group: groupOf(key), at: 0 });
  const turns = new RotationAhead(slice.rotation);
  while (tasks.length < count) {
    const best = first(heads, turns);
    if (!best) break;
    tasks.push(best.lane.at(best.at++)!);
    turns.picked(best.group);
  }
  return tasks;
}

interface Head {
  readonly lane: LaneView;
  readonly group: Group;
  at: number;
}

/** The lane whose next task is the next of all. */
function first(heads: readonly Head[], turns: RotationAhead): Head | undefined {
  let best: Head | undefined;
  let task: Task | undefined;
  for (const head of heads) {
    const other = head.lane.at(head.at);
    if (!other || (task && byTurn(other, head.group, task, best!.group, turns) >= 0)) continue;
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
