import type { Document } from '../core/document.ts';
import { canonicalJson } from '../core/json.ts';
import {
  EMPTY_SCOPE,
  type MemoryEntry,
  memoryDocument,
  memoryFrom,
  memoryScopeDocument,
  memoryScopeFrom,
} from '../core/memory.ts';
import { type Schedule, scheduleDocument, scheduleFrom } from '../core/schedule.ts';
import type { Revive } from '../guardian/rewind.ts';
import { nextDue } from '../mind/schedules.ts';

/**
 * What a document is after the way back to a checkpoint: what it was then. But time does not go back, so a schedule goes on
 * from now: due times that have been dealt with since do not come again, and the one that it waits for stays. And the versions
 * of what is remembered go on, also of what has been forgotten since.
 */
export const revived: Revive = (saved, current, now, floor) => {
  const collection = (saved ?? current)?.collection;
  if (collection === 'memory_scope') return revivedScope(saved, (saved ?? current)!, floor);
  if (saved === null) return null;
  if (collection === 'memory') return revivedEntry(saved, current, floor);
  return collection === 'schedule' ? revivedSchedule(saved, current, now) : saved;
};

/** Each version of an entry has an entry of the ledger, so none of them is above the ledger's last number. */
function revivedEntry(saved: Document, current: Document | null, floor: number): Document {
  const was = memoryFrom(saved);
  const is = current && memoryFrom(current);
  if (is && saysTheSame(was, is)) return memoryDocument({ ...was, version: is.version }, saved.version);
  return memoryDocument({ ...was, version: Math.max(was.version, is?.version ?? 0, floor) + 1 }, saved.version);
}

/** What a text was found to mean since is found again; it is counted in its scope, which goes back. */
function saysTheSame(one: MemoryEntry, other: MemoryEntry): boolean {
  const said = (entry: MemoryEntry) => canonicalJson({ ...entry, version: 0, embedding: null });
  return said(one) === said(other);
}

/** Whether anybody who looks sees a difference. */
export function isSeen({ prev, next }: { readonly prev: Document | null; readonly next: Document | null }): boolean {
  if (prev?.collection !== 'memory' || next === null) return true;
  return memoryFrom(prev).version !== memoryFrom(next).version;
}

/** A scope that was not there then is empty, and remembers how high the versions in it have been. */
function revivedScope(saved: Document | null, any: Document, floor: number): Document {
  const was = memoryScopeFrom(any);
  const counts = saved ? was : { ...was, ...EMPTY_SCOPE };
  return memoryScopeDocument({ ...counts, floor: Math.max(was.floor, floor) }, any.version);
}

function revivedSchedule(saved: Document, current: Document | null, now: number): Document {
  const was = scheduleFrom(saved);
  const is = current && scheduleFrom(current);
  const lastDueAt = is?.lastDueAt == null ? was.lastDueAt : Math.max(is.lastDueAt, was.lastDueAt ?? is.lastDueAt);
  return scheduleDocument({ ...was, lastDueAt, nextDueAt: nextOf({ ...was, lastDueAt }, is, now) }, saved.version);
}

function nextOf(was: Schedule, is: Schedule | null, now: number): number | null {
  if (was.paused) return null;
  return is && !is.paused ? is.nextDueAt : nextDue(was, Math.max(now, was.lastDueAt ?? now));
}
