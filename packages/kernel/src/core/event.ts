import type { JsonObject } from './json.ts';

/** What the ledger records, and who speaks: the body (`kernel`), the guardian, the mind or a worker. */
export const LEDGER_TYPES = [
  'kernel_started',
  'kernel_stopped',
  'task_submitted',
  'task_queued',
  'task_cancelled',
  'task_requeued',
  'task_retry_scheduled',
  'task_timeout',
  'worker_registered',
  'worker_offline',
  'worker_online',
  'worker_draining',
  'worker_unregistered',
  'checkpoint_created',
  'checkpoint_deleted',
  'rollback_completed',
  'task_validated',
  'task_rejected',
  'vote_opened',
  'vote_cast',
  'vote_closed',
  'policy_updated',
  'worker_quarantined',
  'worker_released',
  'schedule_created',
  'schedule_updated',
  'schedule_deleted',
  'schedule_fired',
  'task_assigned',
  'task_unroutable',
  'plan_created',
  'plan_completed',
  'plan_failed',
  'plan_cancelled',
  'plan_resumed',
  'memory_written',
  'memory_embedded',
  'memory_deleted',
  'task_completed',
  'task_failed',
  'task_released',
] as const;
export type LedgerType = (typeof LEDGER_TYPES)[number];

/** Seen live only: they have no id and are not in the ledger. */
export const EPHEMERAL_TYPES = ['worker_heartbeat', 'task_progress'] as const;
export type EphemeralType = (typeof EPHEMERAL_TYPES)[number];

export type Source = 'kernel' | 'neurasphere' | 'neurosphere' | `worker:${string}`;

/** An event as `decide` produces it: the store gives it its number, its time and its place in the chain. */
export interface NewEvent {
  readonly type: LedgerType;
  readonly source: Source;
  /** Who caused it: a principal's name, `worker:<id>`, or `kernel` for what time brought about. */
  readonly actor: string;
  /** Members in alphabetical order, no objects in them (lists of texts may be), no fractions below a thousandth: what any language can canonicalise. */
  readonly data: JsonObject;
}

/** One entry of the ledger. `data` stays JSON text: it is hashed, stored and sent, hardly ever looked into. */
export interface LedgerEntry {
  readonly id: number;
  readonly type: LedgerType;
  readonly source: Source;
  readonly actor: string;
  /** Wall time in milliseconds. */
  readonly at: number;
  readonly data: string;
  readonly taskId: string | null;
  readonly workerId: string | null;
}

/** The same with its place in the chain (64 hexadecimal digits each); null until the entry is sealed. */
export interface ChainedEntry extends LedgerEntry {
  readonly prevHash: string | null;
  readonly hash: string | null;
}

export interface EphemeralEvent {
  readonly type: EphemeralType;
  readonly source: Source;
  readonly at: number;
  readonly data: string;
  readonly taskId: string | null;
  readonly workerId: string | null;
}
