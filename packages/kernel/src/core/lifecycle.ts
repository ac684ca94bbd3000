import type { TaskStatus } from './task.ts';

/**
 * What may follow what. `new` is a task that is being submitted. Everything else is refused (a caller's mistake) or
 * a bug (ours).
 *
 * | from       | to                                                         | by                                     |
 * | ---------- | ---------------------------------------------------------- | -------------------------------------- |
 * | new        | queued · pending · cancelled                               | submit (cancelled: a dependency failed) |
 * | pending    | queued · cancelled · pending                               | time, dependencies · cancel            |
 * | queued     | executing · cancelled                                      | claim · cancel                         |
 * | executing  | completed · failed · timeout · cancelled · queued · pending | the worker, time, cancel · lost, released · retry |
 * | failed, timeout, cancelled | queued · pending                           | retry by hand                          |
 */
const FOLLOWS: Readonly<Record<TaskStatus | 'new', readonly TaskStatus[]>> = {
  new: ['queued', 'pending', 'cancelled'],
  pending: ['queued', 'cancelled', 'pending'],
  queued: ['executing', 'cancelled'],
  executing: ['completed', 'failed', 'timeout', 'cancelled', 'queued', 'pending', 'executing'],
  completed: [],
  failed: ['queued', 'pending'],
  timeout: ['queued', 'pending'],
  cancelled: ['queued', 'pending'],
  rejected: [],
};

export function mayFollow(from: TaskStatus | null, to: TaskStatus): boolean {
  return FOLLOWS[from ?? 'new'].includes(to);
}
