import type { JsonObject } from './types.ts';

/** One event of the stream. `id` is the ledger's gapless number; ephemeral events have none. */
export interface ColonyEvent {
  id?: number;
  type: EventType;
  data: JsonObject;
  timestamp: string;
  /** `kernel`, `neurasphere` (guardian), `neurosphere` (mind) or `worker:<id>`. */
  source: string;
}

export type EventType =
  | 'kernel_started'
  | 'kernel_stopped'
  | 'checkpoint_created'
  | 'checkpoint_deleted'
  | 'rollback_completed'
  | 'task_submitted'
  | 'task_queued'
  | 'task_cancelled'
  | 'task_requeued'
  | 'task_retry_scheduled'
  | 'task_timeout'
  | 'task_validated'
  | 'task_rejected'
  | 'policy_updated'
  | 'vote_opened'
  | 'vote_cast'
  | 'vote_closed'
  | 'schedule_created'
  | 'schedule_updated'
  | 'schedule_deleted'
  | 'schedule_fired'
  | 'task_assigned'
  | 'task_unroutable'
  | 'task_progress'
  | 'task_completed'
  | 'task_failed'
  | 'task_released'
  | 'worker_registered'
  | 'worker_heartbeat'
  | 'worker_offline'
  | 'worker_online'
  | 'worker_draining'
  | 'worker_unregistered'
  | 'worker_quarantined'
  | 'worker_released'
  // What later kernels add is no reason to fail; `string & {}` keeps completion for the names above.
  | (string & {});

/** One entry of the audit log. */
export interface AuditEntry {
  id: number;
  timestamp: string;
  event_type: EventType;
  /** Who caused it: a principal's name, `worker:<id>` or `kernel`. */
  actor: string;
  source: string;
  details: JsonObject;
  prev_hash: string | null;
  /** SHA-256 over the entry and `prev_hash`; null until sealed (Redis). */
  hash: string | null;
}

export interface AuditPage {
  /** Oldest first. */
  entries: AuditEntry[];
  /** The newest entry whose hash is final. */
  sealed_to: number;
}

export interface AuditVerification {
  valid: boolean;
  /** How many entries were checked. */
  entries: number;
  head: string;
  first_invalid_id: number | null;
}

/** A signed statement of how far the ledger had come: kept elsewhere, it shows later that nothing up to it was altered. */
export interface AuditHead {
  /** The colony's name. */
  system_id: string;
  /** The oldest entry that was kept. */
  first_id: number;
  /** How many entries there have been: the number of the newest. */
  entries: number;
  /** The hash of the newest entry. */
  hash: string;
  timestamp: string;
  key_id: string;
  /** Ed25519: 32 bytes in base64. */
  public_key: string;
  /** 64 bytes in base64. */
  signature: string;
}
