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
