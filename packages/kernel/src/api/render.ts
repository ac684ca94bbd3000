import { timestamp } from '../core/clock.ts';
import type { Assignment } from '../core/command.ts';
import type { ChainedEntry } from '../core/event.ts';
import { groupOf } from '../core/lane.ts';
import type { Task } from '../core/task.ts';
import type { Vote } from '../core/vote.ts';
import { type Worker, workerStatus } from '../core/worker.ts';

/**
 * Records as the JSON text that goes out. A task's specification and its result are JSON text already; they are
 * spliced in and never parsed, since this runs for every answer.
 */

/** @param now wall time, for `elapsed_seconds` of a task that is executing */
export function renderTask(task: Task, now: number): string {
  return `${openTask(task, now)}}`;
}

export function renderTasks(tasks: readonly Task[], now: number): string {
  if (tasks.length === 0) return '[]';
  let text = '[';
  for (let i = 0; i < tasks.length; i++)
    text += i === 0 ? renderTask(tasks[i]!, now) : `,${renderTask(tasks[i]!, now)}`;
  return `${text}]`;
}

/** A task with the lease it was given under. */
export function renderAssignment({ task, token }: Assignment, leaseExpiresAt: number, now: number): string {
  return `${openTask(task, now)},"lease":{"token":${token},"expires_at":"${timestamp(leaseExpiresAt)}"}}`;
}

function openTask(task: Task, now: number): string {
  const { json } = task.spec;
  const waiting = task.status === 'pending' || task.status === 'queued';
  return `{"id":"${task.id}",${json.slice(1, -1)},"group":${string(groupOf(task.lane))},"status":"${task.status}","pending_reason":${name(task.pendingReason)},"retry_count":${
    task.retryCount
  },"assigned_worker":${waiting ? 'null' : name(task.worker)},"attempt":${task.attempt},"plan_id":${name(task.plan)},"progress":${progress(task)},"result":${
    task.result ?? 'null'
  },"error":${string(task.error)},"error_trace":${string(task.errorTrace)},"created_at":${time(task.createdAt)},"queued_at":${time(
    task.queuedAt,
  )},"started_at":${time(task.startedAt)},"completed_at":${time(task.completedAt)},"elapsed_seconds":${elapsed(task, now)}`;
}

function elapsed(task: Task, now: number): string {
  if (task.startedAt === null) return 'null';
  if (task.completedAt !== null) return seconds(task.completedAt - task.startedAt);
  return task.status === 'executing' ? seconds(now - task.startedAt) : 'null';
}

/** Clocks may lie; a duration is never negative. */
function seconds(ms: number): string {
  return String(Math.max(0, Math.round(ms)) / 1000);
}

function progress({ progress }: Task): string {
  if (progress === null) return 'null';
  return `{"fraction":${progress.fraction},"message":${string(progress.message)},"at":${time(progress.at)}}`;
}

/** Text that needs no escaping: ids and enumerations. */
function name(value: string | null): string {
  return value === null ? 'null' : `"${value}"`;
}

function string(value: string | null): string {
  return value === null ? 'null' : JSON.stringify(value);
}

function time(wallMs: number | null): string {
  return wallMs === null ? 'null' : `"${timestamp(wallMs)}"`;
}

export function renderWorker(worker: Worker): string {
  const ended = worker.completed + worker.failed;
  return JSON.stringify({
    id: worker.id,
    name: worker.profile.name,
    status: workerStatus(worker),
    capabilities: worker.profile.capabilities,
    attributes: worker.profile.attributes,
    max_concurrent_tasks: worker.profile.maxConcurrentTasks,
    current_task: worker.holds[0] ?? null,
    current_tasks: worker.holds,
    last_heartbeat: timestamp(worker.lastHeartbeat),
    registered_at: timestamp(worker.registeredAt),
    draining: worker.draining,
    quarantine: worker.quarantine && { until: timestamp(worker.quarantine.until), on_trial: worker.quarantine.onTrial },
    stats: {
      completed: worker.completed,
      failed: worker.failed,
      mean_seconds: ended === 0 ? null : Math.round(worker.busyMs / ended) / 1000,
    },
  });
}

export function renderVote(vote: Vote): string {
  return JSON.stringify({
    id: vote.id,
    status: vote.status,
    decision: vote.decision,
    content_hash: vote.contentHash,
    participants: vote.participants,
    threshold: vote.threshold,
    ballots: vote.ballots.map((ballot) => ({ ...ballot, at: timestamp(ballot.at) })),
    opened_at: timestamp(vote.openedAt),
    closes_at: timestamp(vote.closesAt),
    closed_at: vote.closedAt === null ? null : timestamp(vote.closedAt),
    task_id: vote.taskId,
  });
}

/** An entry as the audit log shows it. */
export function renderAuditEntry(entry: ChainedEntry): string {
  return `{"id":${entry.id},"timestamp":"${timestamp(entry.at)}","event_type":"${entry.type}","actor":${JSON.stringify(
    entry.actor,
  )},"source":"${entry.source}","details":${entry.data},${chainFields(entry)}}`;
}

/** An entry as part of a task's history: the event that watchers saw, who caused it, and its place in the chain. */
export function renderHistoryEntry(entry: ChainedEntry): string {
  return `{"id":${entry.id},"type":"${entry.type}","data":${entry.data},"timestamp":"${timestamp(entry.at)}","source":"${
    entry.source
  }","actor":${JSON.stringify(entry.actor)},${chainFields(entry)}}`;
}

/** Both null until the entry is sealed. */
function chainFields({ prevHash, hash }: ChainedEntry): string {
  return `"prev_hash":${JSON.stringify(prevHash)},"hash":${JSON.stringify(hash)}`;
}
