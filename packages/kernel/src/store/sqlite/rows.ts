import {
  type Outcome,
  type PendingReason,
  type Progress,
  Spec,
  TASK_STATUSES,
  type Task,
  type TaskStatus,
} from '../../core/task.ts';
import type { Quarantine, Worker, WorkerProfile } from '../../core/worker.ts';
import { experienceFrom, experienceText } from '../experience.ts';

/** Records to rows and back. Rows are read as arrays in the order of these columns: that is what the driver does fastest. */

export const STATUS_CODE = Object.fromEntries(TASK_STATUSES.map((status, code) => [status, code])) as Record<
  TaskStatus,
  number
>;

export const TASK_COLUMNS = `t.seq, t.id, t.version, t.status, l.key, t.priority, t.created_at, t.timeout_ms, t.depth,
  t.pending_reason, t.unmet, t.due_at, t.attempt, t.retry_count, t.losses, t.lease_token, t.worker, t.last_outcome,
  t.deadline, t.queued_at, t.started_at, t.completed_at, t.progress, t.error, t.error_trace, t.result, s.json, t.vote,
  t.plan, t.routing`;
export const TASK_TABLES = 'tasks t JOIN specs s ON s.seq = t.seq JOIN lanes l ON l.id = t.lane';

// biome-ignore format: as the columns stand
export type TaskRow = [
  seq: number, id: string, version: number, status: number, lane: string, priority: number, createdAt: number,
  timeoutMs: number, depth: number, pendingReason: PendingReason | null, unmet: number, dueAt: number | null,
  attempt: number, retryCount: number, losses: number, leaseToken: number, worker: string | null,
  lastOutcome: Outcome | null, deadline: number | null, queuedAt: number | null, startedAt: number | null,
  completedAt: number | null, progress: string | null, error: string | null, errorTrace: string | null,
  result: string | null, json: string, vote: string | null, plan: string | null, routing: string | null,
];

export function taskFromRow(row: TaskRow): Task {
  const progress = row[22];
  return {
    id: row[1],
    seq: row[0],
    version: row[2],
    spec: new Spec(row[26]),
    lane: row[4],
    priority: row[5],
    createdAt: row[6],
    timeoutMs: row[7],
    depth: row[8],
    plan: row[28],
    status: TASK_STATUSES[row[3]]!,
    pendingReason: row[9],
    unmet: row[10],
    dueAt: row[11],
    attempt: row[12],
    retryCount: row[13],
    losses: row[14],
    leaseToken: row[15],
    worker: row[16],
    lastOutcome: row[17],
    deadline: row[18],
    queuedAt: row[19],
    startedAt: row[20],
    completedAt: row[21],
    progress: progress === null ? null : (JSON.parse(progress) as Progress),
    result: row[25],
    error: row[23],
    errorTrace: row[24],
    vote: row[27],
    routing: row[29],
  };
}

/** What is named where it differs, in the order of `stateValues`: what changes over a task's life, and what few tasks have. */
// biome-ignore format: as the values stand
const STATE_COLUMNS = [
  'version', 'status', 'pending_reason', 'unmet', 'due_at', 'attempt', 'retry_count', 'losses', 'lease_token', 'worker',
  'last_outcome', 'deadline', 'queued_at', 'started_at', 'completed_at', 'progress', 'error', 'error_trace', 'result',
  'vote', 'plan', 'routing',
] as const;

export type Value = string | number | null;

export function stateValues(task: Task): Value[] {
  // biome-ignore format: as the columns stand
  return [
    task.version, STATUS_CODE[task.status], task.pendingReason, task.unmet, task.dueAt, task.attempt, task.retryCount,
    task.losses, task.leaseToken, task.worker, task.lastOutcome, task.deadline, task.queuedAt, task.startedAt,
    task.completedAt, task.progress === null ? null : JSON.stringify(task.progress), task.error, task.errorTrace,
    task.result, task.vote, task.plan, task.routing,
  ];
}

/** What the columns hold when an insert does not name them. Version and status are always named. */
const BLANK: readonly (Value | undefined)[] = [
  ...[undefined, undefined, null, 0, null, 0, 0, 0, 0],
  ...[null, null, null, null, null, null, null, null, null, null, null, null, null],
];

interface Changed {
  /** Which of the columns differ, as a bit set. */
  readonly columns: number;
  /** Their new values, in order. */
  readonly values: Value[];
}

export function changes(before: Task, after: Task): Changed {
  return difference(stateValues(before), after);
}

/** What is worth naming of a new task: most of it has not happened yet. */
export function settings(task: Task): Changed {
  return difference(BLANK, task);
}

function difference(old: readonly (Value | undefined)[], task: Task): Changed {
  const values: Value[] = [];
  let columns = 0;
  const state = stateValues(task);
  for (let at = 0; at < state.length; at++) {
    if (state[at] === old[at]) continue;
    columns |= 1 << at;
    values.push(state[at]!);
  }
  return { columns, values };
}

function named(columns: number): string[] {
  return STATE_COLUMNS.filter((_, at) => columns & (1 << at));
}

export function insertOf(columns: number): string {
  const state = named(columns);
  return `INSERT INTO tasks (${state.join(', ')}, history, seq, id, lane, priority, created_at, created_by, timeout_ms, depth)
    VALUES (${state.map(() => '?').join(', ')}, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
}

/**
 * Sets just these columns. SQLite rewrites the index entries of every column that is named, changed or not, so
 * naming few is most of what makes an update cheap.
 */
export function updateOf(columns: number): string {
  const set = named(columns).map((column) => `${column} = ?, `);
  return `UPDATE tasks SET ${set.join('')} history = history || ? WHERE seq = ? AND version = ?`;
}

export const SELECT_WORKERS = `SELECT id, version, profile, holds, offline, draining, registered_at, heartbeat_at,
  completed, failed, busy_ms, recent, quarantine, experience FROM workers`;
export const PUT_WORKER = `INSERT OR REPLACE INTO workers (id, version, profile, holds, offline, draining, registered_at,
  heartbeat_at, completed, failed, busy_ms, recent, quarantine, experience)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

// biome-ignore format: as the columns stand
export type WorkerRow = [
  id: string, version: number, profile: string, holds: string, offline: number, draining: number,
  registeredAt: number, heartbeatAt: number, completed: number, failed: number, busyMs: number, recent: string,
  quarantine: string | null, experience: string,
];

export function workerFromRow(row: WorkerRow): Worker {
  return {
    id: row[0],
    version: row[1],
    profile: JSON.parse(row[2]) as WorkerProfile,
    holds: JSON.parse(row[3]) as string[],
    offline: row[4] === 1,
    draining: row[5] === 1,
    registeredAt: row[6],
    lastHeartbeat: row[7],
    completed: row[8],
    failed: row[9],
    busyMs: row[10],
    recent: row[11],
    quarantine: row[12] === null ? null : (JSON.parse(row[12]) as Quarantine),
    experience: experienceFrom(row[13]),
  };
}

export function workerValues(worker: Worker): WorkerRow {
  // biome-ignore format: as the columns stand
  return [
    worker.id, worker.version, profileText(worker.profile), JSON.stringify(worker.holds),
    Number(worker.offline), Number(worker.draining), worker.registeredAt, worker.lastHeartbeat, worker.completed,
    worker.failed, worker.busyMs, worker.recent,
    worker.quarantine === null ? null : JSON.stringify(worker.quarantine),
    experienceText(worker.experience),
  ];
}

/** It never changes, and it may be long; a worker is written with every task. */
const profileTexts = new WeakMap<WorkerProfile, string>();

function profileText(profile: WorkerProfile): string {
  let text = profileTexts.get(profile);
  if (text === undefined) {
    text = JSON.stringify(profile);
    profileTexts.set(profile, text);
  }
  return text;
}
