import type { Task } from '../core/task.ts';

export function isUnstarted(task: Task | null): boolean {
  return task?.status === 'queued' || task?.status === 'pending';
}

/** How much text a worker has reported of it. A task that waits for another try keeps the error of the last one. */
export function reportedLength({ result, error, errorTrace }: Task): number {
  return (result?.length ?? 0) + (error?.length ?? 0) + (errorTrace?.length ?? 0);
}
