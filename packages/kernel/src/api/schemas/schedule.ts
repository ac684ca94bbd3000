import { Type } from 'typebox';
import { CATCH_UPS, OVERLAPS } from '../../core/schedule.ts';
import { BODY_DEPTH, MAX_DEPTH } from '../validate.ts';
import { AnyObject, Nullable, Text, Time } from './common.ts';
import type { taskInput } from './task.ts';

const EXAMPLE = {
  name: 'nightly report',
  cron: '30 2 * * *',
  timezone: 'Europe/Berlin',
  task: { description: 'Write the report' },
};

const ZONE = 'An IANA time zone, in which a cron expression is read. Default UTC';
const OVERLAP = 'While the task of the last firing has not ended: skip this firing, or queue another. Default skip';
const CATCH_UP = 'Of what was due while no kernel ran: none, or one task for the newest. Default none';

/** A task as for `POST /tasks`, a level deeper. */
export const scheduleInput = (task: ReturnType<typeof taskInput>) =>
  Type.Object(
    {
      name: Text(1, 200),
      cron: Type.Optional(
        Nullable(Text(1, 200), 'minute hour day month weekday, or six fields with the seconds first'),
      ),
      every_seconds: Type.Optional(
        Nullable(Type.Number({ minimum: 1, maximum: 31_536_000 }), 'So often, counted from now; exact to a thousandth'),
      ),
      timezone: Type.Optional(Text(1, 100, ZONE)),
      task,
      overlap: Type.Optional(Type.Enum([...OVERLAPS], { description: OVERLAP })),
      catch_up: Type.Optional(Type.Enum([...CATCH_UPS], { description: CATCH_UP })),
    },
    { [BODY_DEPTH]: MAX_DEPTH + 1, examples: [EXAMPLE] },
  );

export const ScheduleChange = Type.Object({ paused: Type.Boolean() });

export const ScheduleListQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
  cursor: Type.Optional(Type.String({ description: 'From the Link header of the page before' })),
});

export const ScheduleSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  cron: Nullable(Type.String()),
  every_seconds: Nullable(Type.Number()),
  timezone: Type.String(),
  task: AnyObject('What is handed in, as for POST /tasks'),
  overlap: Type.Enum([...OVERLAPS]),
  catch_up: Type.Enum([...CATCH_UPS]),
  paused: Type.Boolean(),
  next_run_at: Nullable(Time, 'null: it is paused, or there is no such time any more'),
  last_due_at: Nullable(Time, 'The newest due time, whether a task came of it or not'),
  last_task_id: Nullable(Type.String(), 'What was handed in last'),
  fired: Type.Integer({ description: 'How many due times came to a task' }),
  skipped: Type.Integer({ description: 'How many did not' }),
  last_skipped: Nullable(
    Type.Object({ due_at: Time, reason: Type.Enum(['overlap', 'missed', 'rate_limited']) }),
    'The last one that did not, and why',
  ),
  created_by: Type.String(),
  created_at: Time,
});
