import type { Json, JsonObject } from './json.ts';

/**
 * A task: what somebody wants done, and how far it has come.
 *
 *   pending ──► queued ──► executing ──► completed · failed · timeout · cancelled
 *      ▲           ▲           │
 *      └── retry ──┴─ requeue ─┘         (rejected: the guardian said no)
 *
 * `lifecycle.ts` holds the table of what may follow what.
 */
export const TASK_STATUSES = [
  'pending',
  'queued',
  'executing',
  'completed',
  'failed',
  'timeout',
  'cancelled',
  'rejected',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Why a pending task waits, in the order in which the waits end. */
export type PendingReason = 'approval' | 'dependencies' | 'scheduled' | 'retry';

export interface RetryBackoff {
  type: 'fixed' | 'exponential';
  delay_seconds: number;
  max_delay_seconds: number;
  /** Full jitter: the wait is drawn evenly from zero to the computed delay. */
  jitter: boolean;
}

/**
 * What the submitter asked for. It is kept as the very JSON text that goes out on the wire, so it is written once and never
 * parsed on the hot path. Field names are therefore the wire's. It changes once at the most: when a task of a plan gets
 * the results that its payload refers to.
 */
export interface TaskSpec {
  description: string;
  payload: Json;
  priority: number;
  requirements: JsonObject;
  preferences: JsonObject;
  constraints: JsonObject;
  tags: string[];
  metadata: JsonObject;
  timeout_seconds: number;
  max_retries: number;
  retry_backoff: RetryBackoff;
  run_at: string | null;
  depends_on: string[];
  parent_id: string | null;
  created_by: string;
  /** Only as long as its payload refers to results of tasks of its plan: the keys they have there, and their ids. */
  results_from?: { [key: string]: string };
}

/** What a caller may send: everything but the description has a default. Already checked for shape. */
export type TaskInput = Pick<TaskSpec, 'description'> &
  Partial<Omit<TaskSpec, 'retry_backoff' | 'description' | 'results_from'>> & {
    retry_backoff?: Partial<RetryBackoff>;
    delay_seconds?: number;
    /** Whose it is. It is no part of the specification: the lane says it. */
    group?: string | null;
  };

export const DEFAULT_BACKOFF: RetryBackoff = {
  type: 'exponential',
  delay_seconds: 1,
  max_delay_seconds: 60,
  jitter: true,
};

/** How the worker that held the last lease ended it, so that a repeated call is recognised. */
export type Outcome = 'completed' | 'failed' | 'released';

/** One task as a store keeps it. A record is never changed, only replaced by one with the next `version`. */
export interface Task {
  readonly id: string;
  /** Order of submission within the colony; decides who is first among equal priorities. */
  readonly seq: number;
  /** 1 when first stored, +1 with every change; what `expect` in a commit refers to. */
  readonly version: number;
  readonly spec: Spec;
  /** The lane of the queue it belongs to: equal for tasks of one group with equal requirements. See `lane.ts`. */
  readonly lane: string;
  readonly priority: number;
  readonly createdAt: number;
  /** How long one attempt may run, in milliseconds. */
  readonly timeoutMs: number;
  /** 0 for a task without a parent, else one more than its parent's. */
  readonly depth: number;
  /** The plan it belongs to, if any. */
  readonly plan: string | null;

  readonly status: TaskStatus;
  readonly pendingReason: PendingReason | null;
  /** How many of `depends_on` have not completed yet. */
  readonly unmet: number;
  /** Wall time at which a scheduled or retrying task becomes due; null when no time is waited for. */
  readonly dueAt: number | null;
  /** The vote it waits for, or that was held on it last. */
  readonly vote: string | null;

  readonly attempt: number;
  readonly retryCount: number;
  /** Leases lost in a row. */
  readonly losses: number;
  /** The fencing token of the newest lease; 0 before the first. Only ever grows. */
  readonly leaseToken: number;
  /** The worker that holds it (executing) or held it last. */
  readonly worker: string | null;
  readonly lastOutcome: Outcome | null;
  /** Steady time at which the running attempt is over its timeout. */
  readonly deadline: number | null;

  readonly queuedAt: number | null;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  readonly progress: Progress | null;
  /** The result as JSON text. */
  readonly result: string | null;
  readonly error: string | null;
  readonly errorTrace: string | null;
  /** What the Mind said when it was last assigned: the JSON text of an array or object. */
  readonly routing: string | null;
}

export interface Progress {
  readonly fraction: number | null;
  readonly message: string | null;
  readonly at: number;
}

/** A task's specification: its JSON text, parsed only when somebody looks inside. */
export class Spec {
  readonly json: string;
  #value: TaskSpec | undefined;

  constructor(json: string, value?: TaskSpec) {
    this.json = json;
    this.#value = value;
  }

  static of(value: TaskSpec): Spec {
    return new Spec(JSON.stringify(value), value);
  }

  get value(): TaskSpec {
    this.#value ??= JSON.parse(this.json) as TaskSpec;
    return this.#value;
  }
}

export const TERMINAL: ReadonlySet<TaskStatus> = new Set(['completed', 'failed', 'timeout', 'cancelled', 'rejected']);

export function isTerminal(task: Task): boolean {
  return TERMINAL.has(task.status);
}

/**
 * Fills in every default. `delay_seconds` becomes `run_at`.
 * @param now wall time in milliseconds, from which `delay_seconds` counts
 */
export function toSpec(input: TaskInput, createdBy: string, now: number): TaskSpec {
  const runAt = input.delay_seconds ? now + input.delay_seconds * 1000 : input.run_at ? Date.parse(input.run_at) : null;
  return {
    description: input.description,
    payload: input.payload ?? null,
    priority: input.priority ?? 5,
    requirements: input.requirements ?? {},
    preferences: input.preferences ?? {},
    constraints: input.constraints ?? {},
    tags: input.tags ? [...new Set(input.tags)] : [],
    metadata: input.metadata ?? {},
    timeout_seconds: input.timeout_seconds ?? 300,
    max_retries: input.max_retries ?? 0,
    retry_backoff: input.retry_backoff ? { ...DEFAULT_BACKOFF, ...input.retry_backoff } : DEFAULT_BACKOFF,
    run_at: runAt === null ? null : new Date(runAt).toISOString(),
    depends_on: input.depends_on ? [...new Set(input.depends_on)] : [],
    parent_id: input.parent_id ?? null,
    created_by: input.created_by ?? createdBy,
  };
}
