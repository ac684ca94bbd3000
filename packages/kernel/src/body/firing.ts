import type { Clock } from '../core/clock.ts';
import type { Command } from '../core/command.ts';
import type { Document } from '../core/document.ts';
import { type FireSchedule, scheduleFrom } from '../core/schedule.ts';
import type { TaskInput } from '../core/task.ts';
import type { TaskMaker } from '../core/task-maker.ts';
import { turnOf } from '../mind/schedules.ts';

/** What is to be done about a schedule that is due, before it is decided. Null: it is not due. */
export function fireCommand(document: Document, maker: Pick<TaskMaker, 'make'>, now: number): FireSchedule | null {
  const schedule = scheduleFrom(document);
  const turn = turnOf(schedule, now);
  if (turn === null) return null;
  const { firing } = turn;
  // A delay counts from when it was due, however late that is seen.
  const task = firing === null ? null : maker.make(taskOf(schedule.task), schedule.createdBy, firing, '/task');
  return { kind: 'fire_schedule', actor: 'kernel', scheduleId: schedule.id, dueAt: schedule.nextDueAt!, turn, task };
}

/** It was checked when the schedule was made. */
function taskOf(template: object): TaskInput {
  return template as TaskInput;
}

/** The same, judged ahead: what is decided keeps everybody waiting. */
export async function fireAhead(
  document: Document,
  maker: TaskMaker,
  clock: Clock,
  guardian: { lookAhead(command: Command): Promise<void> | null },
): Promise<FireSchedule | null> {
  const command = fireCommand(document, maker, clock.now().wall);
  if (command !== null) await guardian.lookAhead(command);
  return command;
}
