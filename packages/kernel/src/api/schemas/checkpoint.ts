import { Type } from 'typebox';
import { Nullable, optionalBody, Text, Time } from './common.ts';

export const CheckpointInput = Type.Object({ label: Type.Optional(Nullable(Text(0, 200))) }, optionalBody);

export const CheckpointSchema = Type.Object({
  checkpoint_id: Type.String(),
  timestamp: Time,
  label: Nullable(Type.String()),
  event_id: Nullable(Type.Integer(), 'The ledger entry that tells of it; null: retention has removed it'),
});

const Changed = Type.Object({ restored: Type.Integer(), removed: Type.Integer() });

export const RollbackQuery = Type.Object({
  dry_run: Type.Optional(Type.Boolean({ description: 'Says what it would come to, and changes nothing' })),
});

export const RollbackSchema = Type.Object({
  status: Type.Enum(['rolled_back', 'dry_run']),
  checkpoint_id: Type.String(),
  state: Type.Object({
    tasks: Type.Object({ restored: Type.Integer(), removed: Type.Integer(), requeued: Type.Integer() }),
    votes: Changed,
    memory: Changed,
    plans: Changed,
    schedules: Changed,
  }),
});

export const DiffQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Default 100' })),
  cursor: Type.Optional(Type.String({ maxLength: 1000, description: 'The next_cursor of the page before' })),
});

export const DiffSchema = Type.Object({
  items: Type.Array(
    Type.Object({
      kind: Type.Enum(['task', 'vote', 'plan', 'schedule', 'memory', 'idempotency_key']),
      id: Type.String(),
      from: Nullable(Type.String(), 'Its status now; null: it is not there'),
      to: Nullable(Type.String(), 'Its status after a rollback; null: it will be gone'),
    }),
  ),
  next_cursor: Nullable(Type.String()),
});
