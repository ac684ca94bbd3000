import type { Remains } from '../../core/archive.ts';
import type { JsonObject } from '../../core/json.ts';
import type { IdempotencyRecord, QueueRank, Tombstone } from '../../core/store.ts';
import {
  type Outcome,
  type PendingReason,
  type Progress,
  Spec,
  TASK_STATUSES,
  type Task,
  type TaskStatus,
} from '../../core/task.ts';
import type { Worker, WorkerProfile } from '../../core/worker.ts';
import { experienceFrom, experienceText } from '../experience.ts';

/** Records as text. A stored task is three lines: its version, the numbers of its ledger entries, its state. */

// biome-ignore format: as the values stand
type State = [
  status: number, pendingReason: PendingReason | null, unmet: number, dueAt: number | null, attempt: number,
  retryCount: number, losses: number, leaseToken: number, worker: string | null, lastOutcome: Outcome | null,
  deadline: number | null, queuedAt: number | null, startedAt: number | null, completedAt: number | null,
  progress: Progress | null, error: string | null, errorTrace: string | null, result: string | null,
  // Since the third schema.
  vote?: string | null,
  // Since the fifth, and only where there is one: what the text says, so that nothing in it is escaped; or, as at first, the text.
  routing?: object | string,
];
// biome-ignore format: as the values stand
type Fixed = [
  seq: number, priority: number, createdAt: number, timeoutMs: number, depth: number, lane: string,
  // Since the fifth schema, and only where there is one.
  plan?: string,
];

/** Whose tasks have no index of their own: these are nearly all, or none. */
export const NOBODY = 'anonymous';

export const STATUS_CODE = Object.fromEntries(TASK_STATUSES.map((status, code) => [status, code])) as Record<
  TaskStatus,
  number
>;

export function stateText(task: Task): string {
  // biome-ignore format: as the values stand
  const state: State = [
    STATUS_CODE[task.status], task.pendingReason, task.unmet, task.dueAt, task.attempt, task.retryCount, task.losses,
    task.leaseToken, task.worker, task.lastOutcome, task.deadline, task.queuedAt, task.startedAt, task.completedAt,
    task.progress, task.error, task.errorTrace, task.result, task.vote,
  ];
  const text = JSON.stringify(state);
  return task.routing === null ? text : `${text.slice(0, -1)},${task.routing}]`;
}

/** What never changes: two lines, the specification being the second. */
export function specText({ seq, priority, createdAt, timeoutMs, depth, lane, plan, spec }: Task): string {
  const fixed: Fixed = [seq, priority, createdAt, timeoutMs, depth, lane];
  if (plan !== null) fixed.push(plan);
  return `${JSON.stringify(fixed)}\n${spec.json}`;
}

/**
 * Where a task as it was read or written here carries the numbers of its ledger entries, as they stand in its record. A
 * property no one else sees: a map beside the tasks would be work for the garbage collector.
 */
const HISTORY = Symbol('history');

interface WithHistory extends Task {
  [HISTORY]?: string;
}

/** Undefined: it is not known here. */
export function historyTextOf(task: Task): string | undefined {
  return (task as WithHistory)[HISTORY];
}

export function rememberHistory(task: Task, text: string): void {
  (task as WithHistory)[HISTORY] = text;
}

export function taskFrom(id: string, text: string, specification: string): Task {
  const end = text.indexOf('\n');
  const historyEnd = text.indexOf('\n', end + 1);
  const state = JSON.parse(text.slice(historyEnd + 1)) as State;
  const cut = specification.indexOf('\n');
  const fixed = JSON.parse(specification.slice(0, cut)) as Fixed;
  const task: Task = {
    id,
    seq: fixed[0],
    version: Number(text.slice(0, end)),
    spec: new Spec(specification.slice(cut + 1)),
    lane: fixed[5],
    priority: fixed[1],
    createdAt: fixed[2],
    timeoutMs: fixed[3],
    depth: fixed[4],
    plan: fixed[6] ?? null,
    status: TASK_STATUSES[state[0]]!,
    pendingReason: state[1],
    unmet: state[2],
    dueAt: state[3],
    attempt: state[4],
    retryCount: state[5],
    losses: state[6],
    leaseToken: state[7],
    worker: state[8],
    lastOutcome: state[9],
    deadline: state[10],
    queuedAt: state[11],
    startedAt: state[12],
    completedAt: state[13],
    progress: state[14],
    error: state[15],
    errorTrace: state[16],
    result: state[17],
    vote: state[18] ?? null,
    routing: routingFrom(state[19]),
  };
  rememberHistory(task, text.slice(end + 1, historyEnd));
  return task;
}

function routingFrom(said: State[19]): string | null {
  if (said === undefined) return null;
  return typeof said === 'string' ? said : JSON.stringify(said);
}

/** The numbers of a task's ledger entries, out of its record or of what is left of a removed one. */
export function historyOf(text: string): number[] {
  return text.split('\n', 2)[1]!.split(' ').filter(Boolean).map(Number);
}

/** Stands where the status stands, for a task that was removed as if it had never been. */
export const NEVER = '-';

/** What is left of a removed task, in four lines. Of those removed under earlier schemas there are two. */
export function remainsText(remains: Remains, history: string): string {
  return `${statusText(remains.status)}\n${history}\n${highestText(remains)}`;
}

/** The first of them. */
export function statusText(status: TaskStatus | null): string {
  return status === null ? NEVER : String(STATUS_CODE[status]);
}

/** The last two of them. */
export function highestText({ version, leaseToken }: Pick<Task, 'version' | 'leaseToken'>): string {
  return `${version}\n${leaseToken}`;
}

export function remainsFrom(id: string, text: string): Remains {
  const [code, , version = 0, leaseToken = 0] = text.split('\n');
  const status = code === NEVER ? null : TASK_STATUSES[Number(code)]!;
  return { id, status, version: Number(version), leaseToken: Number(leaseToken) };
}

/** Null for what has never been. */
export function tombstoneFrom(id: string, text: string): Tombstone | null {
  const { status } = remainsFrom(id, text);
  return status && { id, removed: true, status };
}

/** Workers of before there was a quarantine say nothing of it; nor older ones of their experience. */
type Newer = 'recent' | 'quarantine';
type WorkerState = Omit<Worker, 'id' | 'version' | 'profile' | 'experience' | Newer> &
  Partial<Pick<Worker, Newer>> & { experience?: string };

/** A worker without its profile, which is stored apart since it never changes. */
export function workerText({ id, profile, version, ...state }: Worker): string {
  return `${version}\n${JSON.stringify({ ...state, experience: experienceText(state.experience) })}`;
}

export function workerFrom(id: string, text: string, profile: WorkerProfile): Worker {
  const cut = text.indexOf('\n');
  const state = JSON.parse(text.slice(cut + 1)) as WorkerState;
  const { recent = '', quarantine = null } = state;
  const experience = experienceFrom(state.experience ?? '');
  return { ...state, recent, quarantine, experience, id, version: Number(text.slice(0, cut)), profile };
}

export function keyText({ at, bodyHash, taskIds }: IdempotencyRecord): string {
  return `${at}\n${bodyHash}\n${taskIds.join(' ')}`;
}

export function keyFrom(key: string, text: string): IdempotencyRecord {
  const [at, bodyHash, taskIds] = text.split('\n') as [string, string, string];
  return { key, bodyHash, taskIds: taskIds.split(' '), at: Number(at) };
}

export function laneFrom(key: string, text: string): { key: string; requirements: JsonObject } {
  return { key, requirements: JSON.parse(text) as JsonObject };
}

/** More than any sequence number: with the priority above it, still a whole number that a double holds exactly. */
const RANKS = 2 ** 48;
const HIGHEST_PRIORITY = 10;

/** The queue's order as one number: the lower, the sooner. */
export function rankScore({ priority, seq }: QueueRank): number {
  return (HIGHEST_PRIORITY - priority) * RANKS + seq;
}

/** The lowest and the highest score that a task of this priority has. */
export function scoresOf(priority: number): [lowest: string, highest: string] {
  return [String(rankScore({ priority, seq: 0 })), String(rankScore({ priority: priority - 1, seq: 0 }) - 1)];
}

/** A pair in a sorted set without scores: sorts by the first, then by the second's sequence number. */
export function pair(of: string, seq: number, id: string): string {
  return `${of}\0${padded(seq)}\0${id}`;
}

/** A sequence number as it sorts by its characters. */
export function padded(seq: number): string {
  return String(seq).padStart(16, '0');
}

/** What is answered as names and values in turn. */
export function pairsOf(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, at) => [list[2 * at]!, list[2 * at + 1]!]);
}
