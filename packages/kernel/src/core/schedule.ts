import type { NewTask } from './command.ts';
import type { Document } from './document.ts';
import type { JsonObject } from './json.ts';
import type { Task } from './task.ts';

/** When a schedule hands in tasks: by a cron expression in a time zone, or every so many milliseconds. Exactly one is given. */
export interface Rhythm {
  readonly cron: string | null;
  readonly everyMs: number | null;
  /** An IANA name; it says what a cron expression's hours and days are. */
  readonly timezone: string;
}

/** While the task of the last firing has not ended: `skip` this firing, or `queue` another task all the same. */
export const OVERLAPS = ['skip', 'queue'] as const;
/** Of the due times that passed while no kernel was there: `none` counts, or the newest `one`. */
export const CATCH_UPS = ['none', 'one'] as const;

/** What somebody asked for. It never changes. */
export interface ScheduleInput extends Rhythm {
  readonly name: string;
  readonly overlap: (typeof OVERLAPS)[number];
  readonly catchUp: (typeof CATCH_UPS)[number];
  /** The task as it would be sent to `POST /tasks`, in the wire's words. */
  readonly task: JsonObject;
}

/** Why a due time came to nothing. */
export type SkipReason = 'overlap' | 'missed' | 'rate_limited';

export interface Schedule extends ScheduleInput {
  readonly id: string;
  readonly createdBy: string;
  /** Where the grid of an interval begins. */
  readonly createdAt: number;
  readonly paused: boolean;
  /** Wall time of the next firing; null: it is paused, or there will be none. */
  readonly nextDueAt: number | null;
  /** The newest due time that was dealt with, one way or the other: no due time up to it ever counts again. */
  readonly lastDueAt: number | null;
  readonly lastTaskId: string | null;
  /** How many due times came to a task, and how many to nothing; and how many to nothing before the last firing. */
  readonly fired: number;
  readonly skipped: number;
  readonly skippedBefore: number;
  readonly lastSkipped: { readonly dueAt: number; readonly reason: SkipReason } | null;
}

/** What a schedule is called among documents. */
export function scheduleName(id: string): string {
  return `schedule ${id}`;
}

/** As it is kept. */
export function scheduleDocument(schedule: Schedule, version: number): Document {
  const { id, createdAt, paused, nextDueAt, ...body } = schedule;
  const state = paused ? 'paused' : 'active';
  const fixed = { collection: 'schedule', id, version, state, createdAt } as const;
  return { ...fixed, dueAt: nextDueAt, endedAt: null, body: body as unknown as JsonObject };
}

export function scheduleFrom({ id, state, createdAt, dueAt, body }: Document): Schedule {
  const rest = body as unknown as Omit<Schedule, 'id' | 'createdAt' | 'paused' | 'nextDueAt'>;
  return { ...rest, id, createdAt, paused: state === 'paused', nextDueAt: dueAt };
}

/** What has become of the due times up to now, and what comes next. */
export interface Turn {
  /** The due time for which a task is handed in; null: there is none. */
  readonly firing: number | null;
  /** How many came to nothing because nobody was there in time, and the newest of them. */
  readonly missed: number;
  readonly lastMissed: number | null;
  /** The newest due time, whatever has become of it. */
  readonly last: number;
  readonly next: number | null;
}

interface Base {
  readonly actor: string;
}

export interface CreateSchedule extends Base, ScheduleInput {
  readonly kind: 'create_schedule';
  readonly id: string;
}

export interface PauseSchedule extends Base {
  readonly kind: 'pause_schedule';
  readonly scheduleId: string;
  readonly paused: boolean;
}

export interface DeleteSchedule extends Base {
  readonly kind: 'delete_schedule';
  readonly scheduleId: string;
}

/** The sweeper: the time for which a schedule waits has come. */
export interface FireSchedule extends Base {
  readonly kind: 'fire_schedule';
  readonly scheduleId: string;
  /** What it waited for when that was found out: if it waits for another time by now, somebody else has seen to it. */
  readonly dueAt: number;
  readonly turn: Turn;
  /** What is to be handed in if it fires; null: it does not. */
  readonly task: NewTask | null;
}

export type ScheduleCommand = CreateSchedule | PauseSchedule | DeleteSchedule | FireSchedule;

export interface ScheduleReplies {
  create_schedule: { schedule: Schedule };
  pause_schedule: { schedule: Schedule };
  delete_schedule: { schedule: Schedule };
  /** Null: there was nothing to hand in, or not any more. */
  fire_schedule: { fired: Task | null };
}
