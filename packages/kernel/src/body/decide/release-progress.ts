import type { Document } from '../../core/document.ts';
import type { Task } from '../../core/task.ts';
import type { Change } from '../change.ts';

/**
 * Where very many tasks wait for one, they go on in portions when it has completed, the oldest first. A document says how far
 * that has come, until all have had their turn; the sweeper goes on with it.
 *
 * With its completion the first have one dependency less. For those that come later it is counted anew how many are left: some
 * may have been retried in between, and know already that this one has completed.
 */
export interface ReleaseProgress {
  /** Who brought it about. */
  readonly actor: string;
  /** The sequence number of the last that has had its turn. */
  readonly after: number;
  /** How many bytes of results have gone into tasks so far. */
  readonly bytes: number;
}

export function beginReleasing(change: Change, { id }: Task, after: number, bytes: number): void {
  const { wall } = change.slice.now;
  const fixed = { collection: 'releasing', id, version: 1, state: '', createdAt: wall, endedAt: null } as const;
  change.createDocument({ ...fixed, dueAt: wall, body: { actor: change.actor, after, bytes } });
}

/** What it is called among documents. */
export function releasingName(taskId: string): string {
  return `releasing ${taskId}`;
}

export function progressOf({ body }: Document): ReleaseProgress {
  return body as unknown as ReleaseProgress;
}
