/**
 * What travels over the wire, by hand, as the kernel's contract has it: `snake_case`, times as RFC 3339 in UTC with
 * milliseconds, ids opaque. Unknown fields may appear at any time and are to be ignored.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type TaskStatus =
  | 'pending'
  | 'queued'
  | 'executing'
  | 'completed'
  | 'failed'
  | 'timeout'
  | 'cancelled'
  | 'rejected';

/** Why a `pending` task waits. */
export type PendingReason = 'approval' | 'dependencies' | 'scheduled' | 'retry';

const TERMINAL: ReadonlySet<TaskStatus> = new Set(['completed', 'failed', 'timeout', 'cancelled', 'rejected']);

/** Whether a task has ended: its status will not change again unless somebody retries it. */
export function isTerminal(task: Pick<Task, 'status'>): boolean {
  return TERMINAL.has(task.status);
}

export interface RetryBackoff {
  type: 'fixed' | 'exponential';
  delay_seconds: number;
  max_delay_seconds: number;
  /** Full jitter: the wait is drawn evenly from zero to the computed delay. */
  jitter: boolean;
}

/** What to submit. Only `description` is required. */
export interface TaskInput {
  /** 1 to 10,000 characters. */
  description: string;
  /** Any JSON: what the worker needs. The whole request may have 1 MiB. */
  payload?: unknown;
  /** 0..10, 5 unless given; higher first, equal ones in the order of submission. */
  priority?: number;
  /** Hard: who may run it, e.g. `{capability: 'ocr', memory: 'high'}`. */
  requirements?: JsonObject;
  /** Soft: the same keys, only scored. */
  preferences?: JsonObject;
  /** For the guardian: `safety_level`, `max_tokens`, … */
  constraints?: JsonObject;
  /** At most 32 of at most 64 characters. */
  tags?: string[];
  metadata?: JsonObject;
  /** Run time of one attempt, 1..3600; 300 unless given. */
  timeout_seconds?: number;
  /** 0..100; 0 unless given. */
  max_retries?: number;
  retry_backoff?: Partial<RetryBackoff>;
  /** Not before this time (RFC 3339). */
  run_at?: string | null;
  /** Not before this many seconds from now. */
  delay_seconds?: number;
  /** Ids of tasks that must complete first. */
  depends_on?: string[];
  parent_id?: string | null;
  created_by?: string;
  /** Whose it is, 1 to 100 characters: among equal priorities groups take turns. */
  group?: string | null;
}

export interface Task {
  id: string;
  description: string;
  payload: Json;
  status: TaskStatus;
  pending_reason: PendingReason | null;
  priority: number;
  requirements: JsonObject;
  preferences: JsonObject;
  constraints: JsonObject;
  tags: string[];
  metadata: JsonObject;
  timeout_seconds: number;
  max_retries: number;
  retry_count: number;
  retry_backoff: RetryBackoff;
  run_at: string | null;
  depends_on: string[];
  parent_id: string | null;
  created_by: string;
  group: string | null;
  /** Only until its payload has got the results it refers to: which tasks the keys in it mean. */
  results_from?: Record<string, string>;
  assigned_worker: string | null;
  /** +1 at every assignment. */
  attempt: number;
  /** The plan it belongs to. */
  plan_id: string | null;
  progress: TaskProgress | null;
  result: Json;
  error: string | null;
  error_trace: string | null;
  created_at: string;
  queued_at: string | null;
  started_at: string | null;
  /** Set on every terminal status. */
  completed_at: string | null;
  elapsed_seconds: number | null;
}

export interface TaskProgress {
  /** 0..1. */
  fraction: number | null;
  message: string | null;
  at: string;
}

export interface Lease {
  /** A fencing token: it only ever grows for a task. Hand it on to whatever the worker writes to. */
  token: number;
  expires_at: string;
}

/** A task as a worker receives it. */
export interface AssignedTask extends Task {
  lease: Lease;
}

export interface Capability {
  name: string;
  category?: string | null;
  supported_languages?: string[] | null;
  max_complexity?: number | string | null;
}

/** What a worker says of itself when it registers. */
export interface WorkerInput {
  /** 1 to 200 characters; need not be unique. */
  name: string;
  capabilities: Capability[];
  attributes?: JsonObject;
  /** 1 unless given. */
  max_concurrent_tasks?: number;
}

/** `busy`: no free slot. `offline`: no sign of life for a lease time. `error`: quarantined. */
export type WorkerStatus = 'idle' | 'busy' | 'offline' | 'error';

/** A worker as the kernel knows it. (The class `Worker` is the one that runs tasks.) */
export interface WorkerInfo {
  id: string;
  name: string;
  status: WorkerStatus;
  capabilities: Capability[];
  attributes: JsonObject;
  max_concurrent_tasks: number;
  /** The oldest of those it holds. */
  current_task: string | null;
  current_tasks: string[];
  last_heartbeat: string;
  registered_at: string;
  draining: boolean;
  /** Since it fails far more than the colony does: nothing until then, and after that one task on trial. */
  quarantine: { until: string; on_trial: boolean } | null;
  stats: { completed: number; failed: number; mean_seconds: number | null };
}

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

/** What a task waits for: `capacity` is a free slot or a limit, `worker` somebody who can do it and asks for work. */
export type WaitingFor = PendingReason | 'capacity' | 'worker';

/** Why a task waits, or who got it and why. */
export interface Explanation {
  status: TaskStatus;
  /** All of it in a sentence. */
  summary: string;
  /** All that it waits for at once. */
  waiting_for: WaitingFor[];
  waits: Wait[];
  /** From 1, over all queued tasks; 10001: further back than 10,000. Null: it is not queued. */
  queue_position: number | null;
  /** `decided_at` is null where nothing was decided, but would be. */
  decision: { worker_id: string; score: number | null; decided_at: string | null } | null;
  /** The best first, at most 100: as of now for a task that waits, else as it was decided. */
  candidates: Candidate[];
  /** How many there are, named or not. */
  candidates_total: number;
}

/** One thing that a task waits for. */
export interface Wait {
  waiting_for: WaitingFor;
  /** What would end it, in words. */
  text: string;
  /** When it is over, one way or another. */
  until: string | null;
  vote_id?: string;
  not_voted?: string[];
  /** Those that have not completed, the first 20 of them. */
  dependencies?: { id: string; status: TaskStatus }[];
}

/** One worker as a task sees it. */
export interface Candidate {
  worker_id: string;
  name: string;
  /** It could be given the task right away, if it asked for work. */
  eligible: boolean;
  /** What is against it, in words. */
  reasons: string[];
  score: number | null;
  /** What the score is made of. */
  scores: Record<string, number>;
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

/** Exactly one of `cron` and `every_seconds` is given. */
export interface ScheduleInput {
  name: string;
  /** `minute hour day month weekday`, or six fields with the seconds first. */
  cron?: string | null;
  /** 1 to 31,536,000, exact to a thousandth; counted from when the schedule is made. */
  every_seconds?: number | null;
  /** An IANA name, in which `cron` is read. UTC unless given. */
  timezone?: string;
  /** What is handed in each time: without `run_at`, `depends_on` and `parent_id`. */
  task: TaskInput;
  /** While the task of the last firing has not ended: `skip` this one (unless given), or `queue` another. */
  overlap?: 'skip' | 'queue';
  /** Of what was due while no kernel ran: `none` (unless given), or `one` for the newest. */
  catch_up?: 'none' | 'one';
}

export interface Schedule extends Required<ScheduleInput> {
  id: string;
  paused: boolean;
  /** Null: it is paused, or there is no such time any more. */
  next_run_at: string | null;
  /** The newest due time, whether a task came of it or not. */
  last_due_at: string | null;
  last_task_id: string | null;
  /** How many due times came to a task, and how many did not. */
  fired: number;
  skipped: number;
  last_skipped: { due_at: string; reason: 'overlap' | 'missed' | 'rate_limited' } | null;
  created_by: string;
  created_at: string;
}

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

export interface Health {
  status: 'healthy' | 'unhealthy';
  timestamp: string;
  version: string;
  /** What is wrong, when unhealthy. */
  checks?: JsonObject;
}

export interface Stats {
  kernel: {
    queue_size: number;
    total_tasks: number;
    task_counts: Record<TaskStatus, number>;
    executing: number;
    /** 0 = no limit. */
    max_concurrent_tasks: number;
    [more: string]: Json | Record<TaskStatus, number>;
  };
  workers: { total: number; by_status: Record<WorkerStatus, number> };
  tasks: Record<TaskStatus, number>;
  uptime_seconds: number;
  memory_type: string;
  event_bus_type: string;
}

/** RFC 9457 `application/problem+json`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  /** A sentence that says what to do. */
  detail: string;
  instance?: string;
  code: string;
  errors?: FieldError[];
}

/** One thing that is wrong with a request. `path` is a JSON pointer into the body, or `query.<name>`. */
export interface FieldError {
  path: string;
  message: string;
}
