import type { Document } from '../core/document.ts';
import { type Schedule, scheduleDocument, scheduleFrom } from '../core/schedule.ts';
import type { Revive } from '../guardian/rewind.ts';
import { nextDue } from '../mind/schedules.ts';

/**
 * What a document is after the way back to a checkpoint: what it was then. But time does not go back, so a schedule goes on
 * from now: due times that have been dealt with since do not come again, and the one that it waits for stays.
 */
export const revived: Revive = (saved, current, now) =>
  saved.collection === 'schedule' ? revivedSchedule(saved, current, now) : saved;

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
