import type { TaskStatus } from './task.ts';

/**
 * What may follow what. `new` is a task that is being submitted. Everything else is refused (a caller's mistake) or
 * a bug (ours).
 *
 * | from       | to                                                         | by                                     |
 * | ---------- | ---------------------------------------------------------- | -------------------------------------- |
 * | new        | queued · pending · cancelled · rejected                    | submit (cancelled: a dependency failed; rejected: the guardian) |
 * | pending    | queued · cancelled · pending · rejected                    | time, dependencies, a vote · cancel    |
 * | queued     | executing · cancelled · queued                             | claim · cancel · nobody can do it, which it remembers |
 * | executing  | completed · failed · timeout · cancelled · queued · pending | the worker, time, cancel · lost, released · retry |
 * | failed, timeout, cancelled | queued · pending · rejected                | retry by hand, which is judged anew    |
 */
const FOLLOWS: Readonly<Record<TaskStatus | 'new', readonly TaskStatus[]>> = {
  new: ['queued', 'pending', 'cancelled', 'rejected'],
  pending: ['queued', 'cancelled', 'pending', 'rejected'],
  queued: ['executing', 'cancelled', 'queued'],
  executing: ['completed', 'failed', 'timeout', 'cancelled', 'queued', 'pending', 'executing'],
  completed: [],
  failed: ['queued', 'pending', 'rejected'],
  timeout: ['queued', 'pending', 'rejected'],
  cancelled: ['queued', 'pending', 'rejected'],
  rejected: [],
};

export function mayFollow(from: TaskStatus | null, to: TaskStatus): boolean {
  return FOLLOWS[from ?? 'new'].includes(to);
}
