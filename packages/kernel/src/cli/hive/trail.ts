import type { ColonyEvent, Task } from '@colonyos/client';

/** Where a task is, as far as its events tell. */
export type Stage = 'submitted' | 'waiting' | 'queued' | 'executing' | 'completed' | 'failed' | 'cancelled';

export const ENDED: ReadonlySet<Stage> = new Set(['completed', 'failed', 'cancelled']);

/** One task's way through the kernel. Times are the kernel's, in milliseconds. */
export interface Trail {
  stage: Stage;
  /** Known once the submit was answered; the events may come before. */
  path: string | undefined;
  /** How long that answer took. */
  submitMs: number | undefined;
  submittedAt: number | undefined;
  firstAssignedAt: number | undefined;
  lastAssignedAt: number | undefined;
  endedAt: number | undefined;
  attempts: number;
  requeued: number;
  retried: number;
}

export function newTrail(): Trail {
  return {
    stage: 'submitted',
    path: undefined,
    submitMs: undefined,
    submittedAt: undefined,
    firstAssignedAt: undefined,
    lastAssignedAt: undefined,
    endedAt: undefined,
    attempts: 0,
    requeued: 0,
    retried: 0,
  };
}

/** What an event of the task's own does to its trail. */
export function follow(trail: Trail, { type, data, timestamp }: ColonyEvent): void {
  const at = Date.parse(timestamp);
  switch (type) {
    case 'task_submitted':
      trail.submittedAt = at;
      trail.stage = data.status === 'queued' ? 'queued' : 'waiting';
      break;
    case 'task_queued':
      trail.stage = 'queued';
      break;
    case 'task_assigned':
      trail.stage = 'executing';
      trail.attempts++;
      trail.firstAssignedAt ??= at;
      trail.lastAssignedAt = at;
      break;
    case 'task_requeued':
      trail.requeued++;
      trail.stage = 'queued';
      break;
    case 'task_released':
      trail.stage = 'queued';
      break;
    case 'task_retry_scheduled':
      trail.retried++;
      trail.stage = 'waiting';
      break;
    default:
      if (!isEnd(type)) return;
      trail.endedAt = at;
      trail.stage = stageAtEnd(type);
  }
}

const ENDS: Readonly<Record<string, Task['status']>> = {
  task_completed: 'completed',
  task_failed: 'failed',
  task_timeout: 'timeout',
  task_cancelled: 'cancelled',
  task_rejected: 'rejected',
};

/** Whether an event of this type ends its task. */
export function isEnd(type: string): boolean {
  return Object.hasOwn(ENDS, type);
}

function stageAtEnd(type: string): Stage {
  const status = ENDS[type];
  return status === 'completed' || status === 'cancelled' ? status : 'failed';
}
