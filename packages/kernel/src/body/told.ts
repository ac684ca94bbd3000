import type { Task } from '../core/task.ts';

/** Wall time at which it was told of a task that nobody can take it; null: it was not, or it has been taken since. */
export function unroutableAt({ routing }: Pick<Task, 'routing'>): number | null {
  if (routing === null) return null;
  return (JSON.parse(routing) as { unroutable_at?: number }).unroutable_at ?? null;
}
