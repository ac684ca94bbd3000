import { timestamp } from '../../core/clock.ts';
import type { Replies } from '../../core/command.ts';
import { type FieldError, Refusal } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import {
  type CreateSchedule,
  type DeleteSchedule,
  type FireSchedule,
  type PauseSchedule,
  type Schedule,
  type SkipReason,
  scheduleDocument,
  scheduleFrom,
  scheduleName,
} from '../../core/schedule.ts';
import { isTerminal, type Task } from '../../core/task.ts';
import { nextDue, problemsOf } from '../../mind/schedules.ts';
import { Change } from '../change.ts';
import type { Slice } from '../slice.ts';
import type { Wanted } from '../wanted.ts';
import type { Decision } from './decision.ts';
import { countAgainstLimits, needsJudging, readPolicy } from './judging.ts';
import { noSuchSchedule } from './missing.ts';
import { admit } from './submit.ts';

/**
 * Schedules: made, paused, deleted, and fired when they are due. That a task is handed in and that the schedule waits for its
 * next time is one change, made only while it still waits for the time that it is fired for: so each due time counts once,
 * however many kernels see that it has come.
 */

export function needs(slice: Slice, command: PauseSchedule | DeleteSchedule | FireSchedule, wanted: Wanted): void {
  if (!wanted.document(scheduleName(command.scheduleId)) || command.kind !== 'fire_schedule') return;
  const schedule = dueNow(slice, command);
  if (!schedule || command.task === null) return;
  if (schedule.lastTaskId !== null) wanted.task(schedule.lastTaskId);
  needsJudging(slice, wanted, [command.task]);
  wanted.sequences(1);
}

export function create(slice: Slice, command: CreateSchedule): Decision<Replies['create_schedule']> | Refusal {
  const { kind: _, actor, ...asked } = command;
  const { wall } = slice.now;
  const errors = [...problemsOf(asked, wall), ...misplaced(asked.task)];
  if (errors.length > 0) {
    return new Refusal('validation_failed', `${errors[0]!.path.slice(1)} ${errors[0]!.message}.`, { errors });
  }
  const schedule: Schedule = {
    ...asked,
    ...{ createdBy: actor, createdAt: wall, paused: false, nextDueAt: nextDue({ ...asked, createdAt: wall }, wall) },
    ...{ lastDueAt: null, lastTaskId: null, fired: 0, skipped: 0, skippedBefore: 0, lastSkipped: null },
  };
  const change = new Change(slice, actor);
  change.createDocument(scheduleDocument(schedule, 1));
  const { id, name, cron, everyMs, timezone, overlap, catchUp } = schedule;
  change.event('schedule_created', 'neurosphere', {
    catch_up: catchUp,
    ...(cron === null ? { every_seconds: everyMs! / 1000 } : { cron }),
    name,
    overlap,
    schedule_id: id,
    timezone,
  });
  return { change, reply: { schedule } };
}

/** What says when a task may run, or what it hangs on, makes no sense where it is handed in again and again. */
function misplaced(task: JsonObject): FieldError[] {
  const given = (name: string) => {
    const value = task[name];
    return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
  };
  return ['run_at', 'depends_on', 'parent_id'].filter(given).map((name) => ({
    path: `/task/${name}`,
    message: 'is not allowed in a schedule, which hands its task in again and again',
  }));
}

export function pause(slice: Slice, command: PauseSchedule): Decision<Replies['pause_schedule']> | Refusal {
  const document = slice.document(scheduleName(command.scheduleId));
  if (!document) return noSuchSchedule(command.scheduleId);
  const schedule = scheduleFrom(document);
  const { paused } = command;
  if (schedule.paused === paused) return { change: null, reply: { schedule } };
  // What was due meanwhile is not missed: nothing was to come of it.
  const nextDueAt = paused ? null : nextAfter(schedule, slice.now.wall);
  const change = new Change(slice, command.actor);
  change.event('schedule_updated', 'neurosphere', { paused, schedule_id: schedule.id });
  return { change, reply: { schedule: put(change, schedule, { paused, nextDueAt }) } };
}

/** The first due time from now on that has not been dealt with, also when the clock was set back. */
function nextAfter(schedule: Schedule, now: number): number | null {
  return nextDue(schedule, Math.max(now, schedule.lastDueAt ?? now));
}

export function remove(slice: Slice, command: DeleteSchedule): Decision<Replies['delete_schedule']> | Refusal {
  const document = slice.document(scheduleName(command.scheduleId));
  if (!document) return noSuchSchedule(command.scheduleId);
  const change = new Change(slice, command.actor);
  change.removeDocument(document);
  change.event('schedule_deleted', 'neurosphere', { schedule_id: document.id });
  return { change, reply: { schedule: scheduleFrom(document) } };
}

export function fire(slice: Slice, command: FireSchedule): Decision<Replies['fire_schedule']> {
  const schedule = dueNow(slice, command);
  if (!schedule) return { change: null, reply: { fired: null } };
  const { missed, lastMissed, last, next } = command.turn;
  const after: Partial<Schedule> = {
    ...{ lastDueAt: last, nextDueAt: next, skipped: schedule.skipped + missed },
    ...(missed === 0 ? {} : { lastSkipped: { dueAt: lastMissed!, reason: 'missed' } }),
  };
  if (command.task !== null) return handIn(slice, command, schedule, after);
  const change = new Change(slice, command.actor);
  put(change, schedule, after);
  return { change, reply: { fired: null } };
}

/** Null: it waits for another time, or the clock was set back. */
function dueNow(slice: Slice, { scheduleId, dueAt }: FireSchedule): Schedule | null {
  const document = slice.document(scheduleName(scheduleId));
  return document && document.dueAt === dueAt && dueAt <= slice.now.wall ? scheduleFrom(document) : null;
}

function handIn(
  slice: Slice,
  { actor, task, turn }: FireSchedule,
  schedule: Schedule,
  after: Partial<Schedule>,
): Decision<Replies['fire_schedule']> {
  const dueAt = turn.firing!;
  const change = new Change(slice, actor);
  const skipped = (change: Change, reason: SkipReason): Decision<Replies['fire_schedule']> => {
    put(change, schedule, { ...after, skipped: after.skipped! + 1, lastSkipped: { dueAt, reason } });
    return { change, reply: { fired: null } };
  };
  if (schedule.overlap === 'skip' && isUnderWay(change, schedule)) return skipped(change, 'overlap');
  const policy = readPolicy(change);
  // What was counted before one of the limits was found exceeded does not count.
  if (countAgainstLimits(change, policy, [task!])) return skipped(new Change(slice, actor), 'rate_limited');
  const fired: Task = admit(change, policy, task!, slice.sequences.at(0));
  const passedOver = after.skipped! - schedule.skippedBefore;
  change.event('schedule_fired', 'neurosphere', {
    due_at: timestamp(dueAt),
    schedule_id: schedule.id,
    ...(passedOver === 0 ? {} : { skipped: passedOver }),
    task_id: fired.id,
  });
  put(change, schedule, {
    ...{ ...after, lastTaskId: fired.id, fired: schedule.fired + 1, skippedBefore: after.skipped! },
  });
  return { change, reply: { fired } };
}

/** One that retention has removed had ended. */
function isUnderWay(change: Change, { lastTaskId }: Schedule): boolean {
  const task = lastTaskId === null ? null : change.readTask(lastTaskId);
  return task !== null && !('removed' in task) && !isTerminal(task);
}

function put(change: Change, schedule: Schedule, fields: Partial<Schedule>): Schedule {
  const document = change.document(scheduleName(schedule.id))!;
  const next = { ...schedule, ...fields };
  change.updateDocument(document, scheduleDocument(next, document.version));
  return next;
}
