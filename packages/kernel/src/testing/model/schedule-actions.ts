import fc from 'fast-check';
import type { Command } from '../../core/command.ts';
import { turnOf } from '../../mind/schedules.ts';
import { newTask } from '../pipeline.ts';
import type { Model } from './model.ts';
import type { ModelSchedule } from './schedules.ts';

/** What may happen to schedules, drawn at random. */
export const scheduling = fc.record({
  kind: fc.constantFrom(
    'create_schedule' as const,
    'pause_schedule' as const,
    'delete_schedule' as const,
    ...Array.from({ length: 6 }, () => 'fire_schedule' as const),
  ),
  schedule: fc.nat(),
  everyMs: fc.constantFrom(1000, 1500, 7000),
  overlap: fc.constantFrom('skip' as const, 'queue' as const),
  catchUp: fc.constantFrom('none' as const, 'one' as const),
  paused: fc.boolean(),
  /** Or what was found out about it before something else came to pass. */
  late: fc.constantFrom(false, false, false, true),
});
type Scheduling = typeof scheduling extends fc.Arbitrary<infer T> ? T : never;

export function aboutSchedule(what: Scheduling, model: Model): Command {
  const { kind, everyMs, overlap, catchUp, paused } = what;
  if (kind === 'create_schedule') {
    const id = `s${model.planned + 1}`;
    const task = { description: id, requirements: { capability: 'dig' } };
    const when = { cron: null, everyMs, timezone: 'UTC', overlap, catchUp };
    return { kind, actor: 'ann', id, name: `schedule ${id}`, ...when, task };
  }
  const due = model.schedules.filter(({ nextDueAt }) => nextDueAt !== null && nextDueAt <= model.now.wall);
  const among = kind === 'fire_schedule' && due.length > 0 ? due : model.schedules;
  const schedule = among[what.schedule % (among.length || 1)];
  const scheduleId = schedule?.id ?? 's0';
  if (kind === 'pause_schedule') return { kind, actor: 'ann', scheduleId, paused };
  if (kind === 'delete_schedule') return { kind, actor: 'ann', scheduleId };
  return firing(scheduleId, schedule, model, what.late ? -everyMs : 0);
}

/** One that is not due is fired all the same: whoever asks may have been mistaken. */
function firing(scheduleId: string, schedule: ModelSchedule | undefined, model: Model, byMs: number): Command {
  const dueAt = (schedule?.nextDueAt ?? model.now.wall) + byMs;
  const turn = (schedule && turnOf(schedule, model.now.wall)) ?? {
    ...{ firing: dueAt, missed: 0, lastMissed: null, last: dueAt, next: dueAt + 1000 },
  };
  const input = { requirements: { capability: 'dig' } };
  const task = turn.firing === null ? null : newTask(`t${model.tasks.length + 1}`, input, turn.firing);
  return { kind: 'fire_schedule', actor: 'kernel', scheduleId, dueAt, turn, task };
}
