import type { ColonyError } from './errors.ts';
import type { Task, TaskStatus } from './types.ts';

/** Given to every call. */
export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

export interface SubmitManyOptions extends CallOptions {
  /** For an atomic batch as a whole; a random one unless given. */
  idempotencyKey?: string | undefined;
}

export interface SubmitPlanOptions extends CallOptions {
  /** A random one unless given. */
  idempotencyKey?: string | undefined;
}

/** How one task of a batch that is not atomic fared. */
export type SubmitOutcome = { task: Task; error?: undefined } | { task?: undefined; error: ColonyError | Error };

export interface TaskQuery {
  status?: TaskStatus | undefined;
  tag?: string | undefined;
  created_by?: string | undefined;
  worker_id?: string | undefined;
  plan_id?: string | undefined;
  /** 1..1000; 100 unless given. */
  limit?: number | undefined;
  /** Where the page before ended. */
  cursor?: string | undefined;
}

export interface TaskPage {
  /** Newest first. */
  tasks: Task[];
  /** Undefined on the last page. */
  nextCursor: string | undefined;
}

export interface AuditQuery {
  event_type?: string | undefined;
  task_id?: string | undefined;
  worker_id?: string | undefined;
  actor?: string | undefined;
  /** The first `limit` after this id, instead of the newest ones. */
  since?: number | undefined;
  /** 100 unless given. */
  limit?: number | undefined;
}

export interface ClaimOptions extends CallOptions {
  /** 1..100; 1 unless given. */
  maxTasks?: number | undefined;
  /** How long the kernel may hold the answer back while there is nothing to do: 0..60 seconds, 0 unless given. */
  waitSeconds?: number | undefined;
}

export interface Failure {
  error: string;
  errorTrace?: string | undefined;
  /** False: the task fails for good, whatever retries are left. */
  retryable?: boolean | undefined;
}

export interface ProgressReport {
  /** 0..1. */
  fraction?: number | undefined;
  message?: string | undefined;
}
