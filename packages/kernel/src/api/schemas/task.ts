import { Type } from 'typebox';
import { TASK_STATUSES, type TaskStatus } from '../../core/task.ts';
import { BODY_DEPTH, MAX_DEPTH } from '../validate.ts';
import { AnyObject, Id, Nullable, OptionalName, optionalBody, Text, Time } from './common.ts';

/** Ten years: what is further away is a mistake. */
const MAX_DELAY_SECONDS = 315_360_000;
const MAX_BATCH = 1000;

const Delay = Type.Number({ minimum: 0, maximum: MAX_DELAY_SECONDS });

export const Backoff = Type.Object({
  type: Type.Optional(Type.Enum(['fixed', 'exponential'], { description: 'Default exponential' })),
  delay_seconds: Type.Optional(Delay),
  max_delay_seconds: Type.Optional(Delay),
  jitter: Type.Optional(Type.Boolean({ description: 'Full jitter: evenly drawn from 0 to the delay. Default true' })),
});

/** What the reference offers to send. One made up from the types would be refused. */
const EXAMPLE = {
  description: 'Count the words',
  payload: { text: 'to be or not to be' },
  requirements: { capability: 'counting' },
};

/** What a submitter may say. @param maxTimeout the configured upper bound of `timeout_seconds` */
export const taskInput = (maxTimeout: number) =>
  Type.Object(
    {
      description: Type.String({ minLength: 1, maxLength: 10_000 }),
      payload: Type.Optional(Type.Unknown({ description: 'What the worker needs; any JSON' })),
      priority: Type.Optional(Type.Integer({ minimum: 0, maximum: 10, description: 'Higher first. Default 5' })),
      requirements: Type.Optional(AnyObject('Hard: who may run it')),
      preferences: Type.Optional(AnyObject('Soft: same keys, only scored')),
      constraints: Type.Optional(AnyObject('For the guardian')),
      tags: Type.Optional(Type.Array(Text(1, 64), { maxItems: 32 })),
      metadata: Type.Optional(AnyObject("The submitter's own")),
      timeout_seconds: Type.Optional(
        Type.Integer({ minimum: 1, maximum: maxTimeout, description: 'Run time of one attempt. Default 300' }),
      ),
      max_retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
      retry_backoff: Type.Optional(Backoff),
      run_at: Type.Optional(Nullable(Type.String({ format: 'date-time' }), 'Not before this time (RFC 3339)')),
      delay_seconds: Type.Optional(
        Type.Number({ minimum: 0, maximum: MAX_DELAY_SECONDS, description: 'Not before so many seconds from now' }),
      ),
      depends_on: Type.Optional(Type.Array(Id, { maxItems: 1000, description: 'Tasks that must complete first' })),
      parent_id: Type.Optional(Nullable(Id)),
      created_by: Type.Optional(Text(1, 200)),
      group: Type.Optional(OptionalName(1, 100, 'Whose it is: among equal priorities groups take turns')),
    },
    { examples: [EXAMPLE] },
  );

/** For the reference: the tasks of a batch are checked one by one, by the route. */
export const batchInput = (item: ReturnType<typeof taskInput>) =>
  Type.Object({
    tasks: Type.Array(item, { minItems: 1, maxItems: MAX_BATCH }),
    atomic: Type.Optional(Type.Boolean({ description: 'All or nothing. Default true' })),
  });

/** What a batch is checked against before its tasks are. Two levels deeper, so that what fits alone fits here. */
export const BatchEnvelope = Type.Object(
  {
    tasks: Type.Array(Type.Unknown(), { minItems: 1, maxItems: MAX_BATCH }),
    atomic: Type.Optional(Type.Boolean()),
  },
  { [BODY_DEPTH]: MAX_DEPTH + 2 },
);

const Status = Type.Unsafe<TaskStatus>({ type: 'string', enum: [...TASK_STATUSES] });

export const TaskSchema = Type.Object({
  id: Type.String(),
  description: Type.String(),
  payload: Type.Unknown(),
  status: Status,
  pending_reason: Nullable(Type.Enum(['approval', 'dependencies', 'scheduled', 'retry']), 'Why a pending task waits'),
  priority: Type.Integer(),
  requirements: AnyObject('Hard: who may run it'),
  preferences: AnyObject('Soft: only scored'),
  constraints: AnyObject('For the guardian'),
  tags: Type.Array(Type.String()),
  metadata: AnyObject("The submitter's own"),
  timeout_seconds: Type.Integer(),
  max_retries: Type.Integer(),
  retry_count: Type.Integer(),
  retry_backoff: Type.Required(Backoff),
  run_at: Nullable(Time),
  depends_on: Type.Array(Type.String()),
  parent_id: Nullable(Type.String()),
  created_by: Type.String(),
  group: Nullable(Type.String(), 'Among equal priorities groups take turns'),
  results_from: Type.Optional(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'Only until its payload has got the results it refers to: which tasks the keys in it mean',
    }),
  ),
  assigned_worker: Nullable(Type.String()),
  attempt: Type.Integer({ description: '+1 at every assignment' }),
  plan_id: Nullable(Type.String(), 'The plan it belongs to'),
  progress: Nullable(Type.Object({ fraction: Nullable(Type.Number()), message: Nullable(Type.String()), at: Time })),
  result: Type.Unknown(),
  error: Nullable(Type.String()),
  error_trace: Nullable(Type.String()),
  created_at: Time,
  queued_at: Nullable(Time),
  started_at: Nullable(Time),
  completed_at: Nullable(Time),
  elapsed_seconds: Nullable(Type.Number()),
});

export const TaskListQuery = Type.Object({
  status: Type.Optional(Status),
  status_filter: Type.Optional(Status),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
  cursor: Type.Optional(Type.String({ description: 'From the Link header of the page before' })),
  tag: Type.Optional(Type.String()),
  created_by: Type.Optional(Type.String()),
  worker_id: Type.Optional(Type.String()),
  plan_id: Type.Optional(Type.String()),
});

export const WaitQuery = Type.Object({
  wait: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 60, description: 'Answer when it has ended, or after so many seconds' }),
  ),
});

export const CascadeQuery = Type.Object({
  cascade: Type.Optional(Type.Boolean({ description: 'Its unfinished descendants too' })),
});

export const RetryManyInput = Type.Object({
  status: Type.Enum(['failed', 'timeout', 'cancelled']),
  tag: Type.Optional(Text(1, 64)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
  cursor: Type.Optional(Type.String({ description: 'The `next_cursor` of an earlier answer, to go on behind it' })),
});

export const RetryManyAnswer = Type.Object({
  retried: Type.Integer({ description: 'How many run again, or wait to' }),
  refused: Type.Optional(
    Type.Integer({ description: 'How many were passed by, since they cannot run again. Absent: none' }),
  ),
  next_cursor: Type.Optional(
    Type.String({
      description: 'A thousand were passed by, and there may be others behind them. Absent: all were seen',
    }),
  ),
});

export const NoBody = Type.Object({}, optionalBody);
