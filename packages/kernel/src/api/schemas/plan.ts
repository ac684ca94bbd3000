import { Type } from 'typebox';
import { ON_FAILURE, PLAN_STATUSES } from '../../core/plan.ts';
import { BODY_DEPTH, KEY, MAX_DEPTH } from '../validate.ts';
import { Id, Nullable, Text, Time } from './common.ts';
import type { taskInput } from './task.ts';

const MAX_TASKS = 10_000;

const Key = Type.String({
  minLength: 1,
  maxLength: 100,
  pattern: KEY,
  description: 'What the others call it: letters, digits, _ and -',
});

/** A task of a plan, as the submitter of the plan says it. */
export const planTaskInput = (item: ReturnType<typeof taskInput>) => {
  const { depends_on, ...properties } = item.properties;
  const dependsOn = Type.Array(Key, {
    maxItems: 1000,
    description: 'Keys of tasks of this plan that must complete first',
  });
  return Type.Object(
    { key: Key, ...properties, depends_on: Type.Optional(dependsOn) },
    { examples: [{ key: 'count', description: 'Count the words', payload: { text: { $result: 'fetch.text' } } }] },
  );
};

const fields = {
  goal: Text(1, 10_000, 'What it is for, in words'),
  on_failure: Type.Optional(
    Type.Enum([...ON_FAILURE], {
      description:
        'When a task ends without completing: stop calls off all that is left, continue what needs it. Default stop',
    }),
  ),
  parent_id: Type.Optional(Nullable(Id, 'The parent of the tasks that name no other')),
  created_by: Type.Optional(Text(1, 200)),
};

/** For the reference: the tasks of a plan are checked one by one, by the route. */
export const planInput = (item: ReturnType<typeof planTaskInput>) =>
  Type.Object({ ...fields, tasks: Type.Array(item, { minItems: 1, maxItems: MAX_TASKS }) });

/** What a plan is checked against before its tasks are. Two levels deeper, so that what fits alone fits here. */
export const PlanEnvelope = Type.Object(
  { ...fields, tasks: Type.Array(Type.Unknown(), { minItems: 1, maxItems: MAX_TASKS }) },
  { [BODY_DEPTH]: MAX_DEPTH + 2 },
);

export const PlanSchema = Type.Object({
  id: Type.String(),
  goal: Type.String(),
  status: Type.Enum([...PLAN_STATUSES]),
  on_failure: Type.Enum([...ON_FAILURE]),
  tasks: Type.Unsafe<Record<string, string>>({
    type: 'object',
    additionalProperties: { type: 'string' },
    description: 'The tasks’ ids by their keys',
  }),
  progress: Type.Object({ completed: Type.Integer(), total: Type.Integer() }),
  counts: Type.Object(
    {
      completed: Type.Integer(),
      failed: Type.Integer(),
      timeout: Type.Integer(),
      cancelled: Type.Integer(),
      rejected: Type.Integer(),
      unfinished: Type.Integer(),
    },
    { description: 'How many tasks have ended, how; and how many have not' },
  ),
  failure: Nullable(
    Type.Object({ task_id: Type.String(), status: Type.String() }),
    'The first task that ended without completing',
  ),
  created_by: Type.String(),
  parent_id: Nullable(Type.String()),
  created_at: Time,
  completed_at: Nullable(Time, 'When it ended, however it did'),
});

export const GraphSchema = Type.Object({
  ...PlanSchema.properties,
  nodes: Type.Array(
    Type.Object({
      key: Type.String(),
      task_id: Type.String(),
      status: Nullable(Type.String(), 'Null: retention has removed it'),
      elapsed_seconds: Nullable(Type.Number()),
    }),
  ),
  edges: Type.Array(Type.Object({ from: Type.String(), to: Type.String() }), {
    description: 'Keys: `to` waits for `from`',
  }),
  critical_path: Type.Object(
    { keys: Type.Array(Type.String()), seconds: Nullable(Type.Number()) },
    { description: 'The chain that takes longest' },
  ),
  mermaid: Type.String({ description: 'The same as a picture, for Mermaid' }),
});

export const PlanListQuery = Type.Object({
  status: Type.Optional(Type.Enum([...PLAN_STATUSES])),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
  cursor: Type.Optional(Type.String({ description: 'From the Link header of the page before' })),
});

export const PlanQuery = Type.Object({
  view: Type.Optional(Type.Enum(['graph'], { description: 'With its tasks, who waits for whom, and a picture' })),
});
