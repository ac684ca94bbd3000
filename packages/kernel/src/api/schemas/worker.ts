import { Type } from 'typebox';
import { WORKER_STATUSES, type WorkerStatus } from '../../core/worker.ts';
import { AnyObject, Id, LeaseToken, Nullable, optionalBody, Text, Time } from './common.ts';
import { TaskSchema } from './task.ts';

export const CapabilitySchema = Type.Object({
  name: Text(1, 200),
  category: Type.Optional(Nullable(Text(0, 200))),
  supported_languages: Type.Optional(Nullable(Type.Array(Text(1, 64), { maxItems: 200 }))),
  max_complexity: Type.Optional(Nullable(Type.Union([Type.Number(), Text(0, 64)]), 'A number, or low, medium, high')),
});

export const WorkerInput = Type.Object({
  name: Text(1, 200),
  capabilities: Type.Optional(Type.Array(CapabilitySchema, { maxItems: 200 })),
  attributes: Type.Optional(AnyObject('What it is, e.g. {"cpu": "high", "region": "eu"}')),
  max_concurrent_tasks: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Default 1' })),
});

export const WorkerSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  status: Type.Unsafe<WorkerStatus>({ type: 'string', enum: [...WORKER_STATUSES] }),
  capabilities: Type.Array(CapabilitySchema),
  attributes: AnyObject('What it is'),
  max_concurrent_tasks: Type.Integer(),
  current_task: Nullable(Type.String()),
  current_tasks: Type.Array(Type.String()),
  last_heartbeat: Time,
  registered_at: Time,
  draining: Type.Boolean(),
  quarantine: Nullable(
    Type.Object({ until: Time, on_trial: Type.Boolean() }),
    'Since it fails far more than the colony does: nothing until then, and after that one task on trial',
  ),
  stats: Type.Object({ completed: Type.Integer(), failed: Type.Integer(), mean_seconds: Nullable(Type.Number()) }),
});

export const HeartbeatInput = Type.Object(
  {
    tasks: Type.Optional(
      Type.Array(Id, { maxItems: 10_000, description: 'What it holds; the rest goes back to the queue' }),
    ),
  },
  optionalBody,
);

export const DrainQuery = Type.Object({
  drain: Type.Optional(Type.Boolean({ description: 'Finishes what it holds first' })),
});

export const ClaimInput = Type.Object(
  {
    max_tasks: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Default 1' })),
    wait_seconds: Type.Optional(Type.Number({ minimum: 0, maximum: 60, description: 'Default 0' })),
  },
  optionalBody,
);

export const AssignmentsSchema = Type.Object({
  tasks: Type.Array(
    Type.Intersect([TaskSchema, Type.Object({ lease: Type.Object({ token: Type.Integer(), expires_at: Time }) })]),
  ),
});

export const CompleteInput = Type.Object({ lease_token: LeaseToken, result: Type.Optional(Type.Unknown()) });

export const FailInput = Type.Object({
  lease_token: LeaseToken,
  error: Type.String(),
  error_trace: Type.Optional(Nullable(Type.String())),
  retryable: Type.Optional(Type.Boolean({ description: 'Default true' })),
});

export const ProgressInput = Type.Object({
  lease_token: LeaseToken,
  fraction: Type.Optional(Nullable(Type.Number({ minimum: 0, maximum: 1 }))),
  message: Type.Optional(Nullable(Type.String({ maxLength: 10_000 }))),
});

export const ReleaseInput = Type.Object({ lease_token: LeaseToken });
