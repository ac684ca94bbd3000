import { Type } from 'typebox';
import { AnyObject, Nullable, Time } from './common.ts';

export const HealthSchema = Type.Object({
  status: Type.Enum(['healthy', 'unhealthy']),
  timestamp: Time,
  version: Type.String(),
  durability: Type.String({ description: 'What of what was acknowledged survives what' }),
  checks: Type.Optional(AnyObject('Part by part: ok, or what is wrong')),
});

const Counts = Type.Record(Type.String(), Type.Integer());

const LimitState = Type.Object({
  id: Type.String(),
  capability: Type.String(),
  executing: Type.Integer({ description: 'Tasks that require it' }),
  max_concurrent: Nullable(Type.Integer()),
  per_second: Nullable(Type.Number()),
  burst: Nullable(Type.Integer()),
});

export const StatsSchema = Type.Object({
  kernel: Type.Object({
    queue_size: Type.Integer(),
    total_tasks: Type.Integer(),
    task_counts: Counts,
    executing: Type.Integer(),
    max_concurrent_tasks: Type.Integer(),
    group_max_concurrent: Type.Integer({ description: '0: any number' }),
    limits: Type.Array(LimitState, { description: "The policy's" }),
    ledger_entries: Type.Integer(),
  }),
  workers: Type.Object({ total: Type.Integer(), by_status: Counts }),
  tasks: Counts,
  uptime_seconds: Type.Number(),
  memory_type: Type.String(),
  event_bus_type: Type.String(),
});

export const AuditQuery = Type.Object({
  event_type: Type.Optional(Type.String()),
  task_id: Type.Optional(Type.String()),
  worker_id: Type.Optional(Type.String()),
  actor: Type.Optional(Type.String()),
  since: Type.Optional(Type.Integer({ minimum: 0, description: 'The first entries after this one' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'Default 100' })),
});

export const AuditEntrySchema = Type.Object({
  id: Type.Integer(),
  timestamp: Time,
  event_type: Type.String(),
  actor: Type.String(),
  source: Type.String(),
  details: AnyObject('What happened'),
  prev_hash: Nullable(Type.String()),
  hash: Nullable(Type.String()),
});

export const AuditSchema = Type.Object({ entries: Type.Array(AuditEntrySchema), sealed_to: Type.Integer() });

export const VerificationSchema = Type.Object({
  valid: Type.Boolean(),
  entries: Type.Integer(),
  head: Type.String(),
  first_invalid_id: Nullable(Type.Integer()),
});

export const HeadSchema = Type.Object({
  system_id: Type.String({ description: "The colony's name" }),
  first_id: Type.Integer({ description: 'The oldest entry that is kept' }),
  entries: Type.Integer({ description: 'How many entries the ledger has had: the number of the newest' }),
  hash: Type.String({ description: 'Of the newest entry' }),
  timestamp: Time,
  key_id: Type.String({ description: 'The first 16 hexadecimal digits of the SHA-256 of the public key' }),
  public_key: Type.String({ description: 'Ed25519: 32 bytes in base64' }),
  signature: Type.String({ description: 'Over what docs/ledger.md says: 64 bytes in base64' }),
});

export const EventSchema = Type.Object({
  id: Type.Optional(Type.Integer({ description: 'Gapless from 1; ephemeral events have none' })),
  type: Type.String(),
  data: AnyObject('About a task: task_id; about a worker: worker_id'),
  timestamp: Time,
  source: Type.String(),
});

export const HistoryEntrySchema = Type.Intersect([
  EventSchema,
  Type.Object({ actor: Type.String(), prev_hash: Nullable(Type.String()), hash: Nullable(Type.String()) }),
]);

export const EventsQuery = Type.Object({
  since: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Replay what came after this id, 0 = all, then go on live' }),
  ),
  types: Type.Optional(Type.String({ description: 'Comma list; task_* matches any rest' })),
  task_id: Type.Optional(Type.String()),
});
