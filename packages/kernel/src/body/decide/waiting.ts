import type { PendingReason } from '../../core/task.ts';

interface Waits {
  /** Somebody has to approve it. */
  readonly asks: boolean;
  /** How many dependencies have not completed. */
  readonly unmet: number;
  readonly dueAt: number | null;
}

/** What a task has to wait for first, before it may be queued; null: nothing. */
export function waitFor({ asks, unmet, dueAt }: Waits, wall: number): PendingReason | null {
  if (asks) return 'approval';
  if (unmet > 0) return 'dependencies';
  return dueAt !== null && dueAt > wall ? 'scheduled' : null;
}
