import type { Document } from '../core/document.ts';
import type { Saved, SavedTask } from '../core/saved.ts';
import type { Put } from '../core/store.ts';
import type { Task } from '../core/task.ts';

/** How records become what they were at a checkpoint. Time does not go back with them: leases, tokens and versions go on. */

/**
 * What a document becomes that was so and is so now (null: it is not there), where more than what it says has to be known;
 * null: it goes. Its own version is none of its business. @param floor see `rewound`
 */
export type Revive = (saved: Document | null, current: Document | null, now: number, floor: number) => Document | null;

/**
 * What makes a record what it was; nothing: it is that already.
 * @param now wall time
 * @param floor no document's version has been higher, nor a version that one tells of, also of those that are gone: one that is
 *   brought back goes on above it
 */
export function rewound(item: Saved, now: number, floor: number, revive: Revive): readonly Put[] {
  if (item.kind === 'task') return item.saved === null ? rewoundAway(item) : rewoundTask(item, item.saved, now);
  const put = rewoundOther(item, now, floor, revive);
  return put === null ? [] : [put];
}

function rewoundTask({ current, version, leaseToken }: SavedTask, saved: Task, now: number): readonly Put[] {
  const next = { ...withoutLease(saved, now), version: version + 1, leaseToken };
  if (current && isAlike(withoutLease(current, now), next)) return [];
  return [{ kind: 'task', prev: current, next }];
}

/** It goes. What depends on one that retention had removed must learn how that had ended, as it did then. */
function rewoundAway({ id, current, left }: SavedTask): readonly Put[] {
  const puts: Put[] = current ? [{ kind: 'task', prev: current, next: null }] : [];
  // As if it had never been, when it goes just now.
  const standing = current ? null : left.current;
  if (left.saved !== standing) puts.push({ kind: 'remains', id, status: left.saved });
  return puts;
}

function rewoundOther(item: Exclude<Saved, SavedTask>, now: number, floor: number, revive: Revive): Put | null {
  if (item.kind === 'document') {
    const { saved, current } = item;
    const target = revive(saved, current, now, floor);
    if (target === null) return current && { kind: 'document', prev: current, next: null };
    const next = { ...target, version: Math.max(saved?.version ?? 0, current?.version ?? floor) + 1 };
    const same =
      current !== null && JSON.stringify({ ...current, version: 0 }) === JSON.stringify({ ...next, version: 0 });
    return same ? null : { kind: 'document', prev: current, next };
  }
  // A key belongs to the tasks it was used for: those of since then are gone.
  const { saved, current } = item;
  if (saved === null) return current && { kind: 'idempotency', prev: current, next: null };
  return saved.at === current?.at ? null : { kind: 'idempotency', prev: current, next: saved };
}

/** Nobody holds a task after a rollback: what was under way is queued, in its old place. */
function withoutLease(task: Task, now: number): Task {
  if (task.status !== 'executing') return task;
  return { ...task, status: 'queued', worker: null, deadline: null, startedAt: null, queuedAt: now };
}

/** Whether two states of a task mean the same. How often, and since when, it waits in the queue does not matter. */
function isAlike(one: Task, other: Task): boolean {
  const plain = ({ spec: _, version: __, leaseToken: ___, queuedAt: ____, ...rest }: Task) => JSON.stringify(rest);
  return one.spec.json === other.spec.json && plain(sorted(one)) === plain(sorted(other));
}

/** Stores give the members in orders of their own. */
function sorted(task: Task): Task {
  return Object.fromEntries(Object.entries(task).sort(([a], [b]) => (a < b ? -1 : 1))) as unknown as Task;
}
