import type { NewTask } from '../../core/command.ts';
import type * as Commands from '../../core/schedule.ts';
import type { Schedule, ScheduleCommand } from '../../core/schedule.ts';
import { nextDue } from '../../mind/schedules.ts';
import { type ModelTask, Refused } from './colony.ts';
import { Plans } from './plans.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
export type ModelSchedule = Mutable<Schedule>;

/** Schedules; when they are due is tested elsewhere. */
export abstract class Scheduled extends Plans {
  schedules: ModelSchedule[] = [];
  /** How many were ever made, and how many tasks they were to hand in. */
  planned = 0;

  protected abstract admit(task: NewTask): ModelTask;

  protected aboutSchedule(command: ScheduleCommand): ModelSchedule | ModelTask | null {
    if (command.kind === 'create_schedule') return this.#create(command);
    if (command.kind === 'fire_schedule') return this.#fire(command);
    const schedule = this.schedules.find(({ id }) => id === command.scheduleId);
    if (!schedule) throw new Refused('schedule_not_found');
    if (command.kind === 'delete_schedule') {
      this.schedules = this.schedules.filter((one) => one !== schedule);
      this.say('schedule_deleted', 'neurosphere', { schedule_id: schedule.id });
    } else if (schedule.paused !== command.paused) {
      const from = Math.max(this.now.wall, schedule.lastDueAt ?? 0);
      Object.assign(schedule, { paused: command.paused, nextDueAt: command.paused ? null : nextDue(schedule, from) });
      this.say('schedule_updated', 'neurosphere', { paused: command.paused, schedule_id: schedule.id });
    }
    return schedule;
  }

  #create({ kind: _, actor, ...asked }: Commands.CreateSchedule): ModelSchedule {
    const { id, name, everyMs, overlap, catchUp, timezone } = asked;
    const { wall } = this.now;
    this.planned++;
    this.schedules.push({
      ...asked,
      ...{ createdBy: actor, createdAt: wall, paused: false, nextDueAt: wall + everyMs!, lastDueAt: null },
      ...{ lastTaskId: null, fired: 0, skipped: 0, skippedBefore: 0, lastSkipped: null },
    });
    const when = { every_seconds: everyMs! / 1000, name, overlap, schedule_id: id, timezone };
    this.say('schedule_created', 'neurosphere', { catch_up: catchUp, ...when });
    return this.schedules.at(-1)!;
  }

  #fire({ scheduleId, dueAt, turn, task }: Commands.FireSchedule): ModelTask | null {
    const schedule = this.schedules.find(({ id }) => id === scheduleId);
    if (schedule?.nextDueAt !== dueAt || dueAt > this.now.wall) return null;
    Object.assign(schedule, { lastDueAt: turn.last, nextDueAt: turn.next });
    for (let n = 0; n < turn.missed; n++) this.#skip(schedule, turn.lastMissed!, 'missed');
    if (task === null) return null;
    const last = this.tasks.find(({ id, removed }) => id === schedule.lastTaskId && !removed);
    if (schedule.overlap === 'skip' && last && !this.isOver(last)) {
      this.#skip(schedule, turn.firing!, 'overlap');
      return null;
    }
    try {
      this.count([task]);
    } catch {
      this.#skip(schedule, turn.firing!, 'rate_limited');
      return null;
    }
    const fired = this.admit(task);
    const skipped = schedule.skipped - schedule.skippedBefore;
    const told = { schedule_id: scheduleId, ...(skipped > 0 ? { skipped } : {}), task_id: task.id };
    this.say('schedule_fired', 'neurosphere', { due_at: new Date(turn.firing!).toISOString(), ...told });
    Object.assign(schedule, { lastTaskId: task.id, fired: schedule.fired + 1, skippedBefore: schedule.skipped });
    return fired;
  }

  #skip(schedule: ModelSchedule, dueAt: number, reason: Commands.SkipReason): void {
    schedule.skipped++;
    schedule.lastSkipped = { dueAt, reason };
  }
}
