/** A rule of the policy: beside these members each type has its own. */
export interface PolicyRule {
  id: string;
  type: string;
  action: 'reject' | 'require_approval' | 'warn';
  [option: string]: unknown;
}

/** How many tasks that require a capability execute at once, and how many of them are started in a second. */
export interface PolicyLimit {
  id: string;
  description?: string;
  capability: string;
  /** 0 holds all of them back. */
  max_concurrent?: number;
  per_second?: number;
  /** How many at once, after a pause; as many as in a second unless given. */
  burst?: number;
}

export interface Policy {
  version: number;
  rules: PolicyRule[];
  limits?: PolicyLimit[];
}

export interface Evaluation {
  verdict: 'approve' | 'reject' | 'require_approval';
  violations: { rule: string; message: string }[];
}

export interface Checkpoint {
  checkpoint_id: string;
  timestamp: string;
  label: string | null;
  /** The ledger entry that tells of it; null: retention has removed it. */
  event_id: number | null;
}

/** What a rollback came to, or would come to. */
export interface Rollback {
  status: 'rolled_back' | 'dry_run';
  checkpoint_id: string;
  state: {
    tasks: { restored: number; removed: number; requeued: number };
    votes: { restored: number; removed: number };
    memory: { restored: number; removed: number };
    plans: { restored: number; removed: number };
    schedules: { restored: number; removed: number };
  };
}

export type VoteStatus = 'open' | 'approved' | 'denied' | 'expired' | 'cancelled';

export interface VoteInput {
  /** What is to be decided, in words. */
  decision: string;
  /** Who may vote, each once. The kernel's own participants unless given. */
  participants?: string[];
  /** The share that must approve, above 0 and at most 1. */
  threshold?: number;
  expires_in_seconds?: number;
}

export interface Vote {
  id: string;
  status: VoteStatus;
  decision: string;
  /** SHA-256 of what is decided: of the task's specification, or of the words. */
  content_hash: string;
  participants: string[];
  threshold: number;
  ballots: { participant: string; approve: boolean; reason: string | null; at: string }[];
  opened_at: string;
  closes_at: string;
  closed_at: string | null;
  task_id: string | null;
}
