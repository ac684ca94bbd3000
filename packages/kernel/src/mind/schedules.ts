import type { FieldError } from '../core/errors.ts';
import type { Rhythm, Schedule, Turn } from '../core/schedule.ts';
import { nextOf } from './cron.ts';

/** When schedules are due. All times are wall times in milliseconds. */

/** A firing that is late by no more than this is on time: a kernel that restarts, or is busy, misses nothing. */
export const ON_TIME_MS = 5000;
/** Due times of a cron expression that were missed are counted up to here: each has to be worked out. */
export const MOST_MISSED = 1000;

/** Who wants it more often needs a worker that goes on by itself; longer than a year is a mistake. */
const SHORTEST_MS = 1000;
const LONGEST_MS = 31_536_000_000;
const NICKNAMES = ['@hourly', '@daily', '@midnight', '@weekly', '@monthly', '@yearly', '@annually'];

/** A rhythm, and where the grid of an interval begins. */
export type Beat = Rhythm & Pick<Schedule, 'createdAt'>;

/** What is wrong with a rhythm, by the names it has on the wire. */
export function problemsOf({ cron, everyMs, timezone }: Rhythm, now: number): FieldError[] {
  if (!isTimeZone(timezone)) {
    return [{ path: '/timezone', message: 'must be the name of a time zone, such as UTC or Europe/Berlin' }];
  }
  if ((cron === null) === (everyMs === null)) {
    const message = `must be given ${cron === null ? 'where there is no every_seconds' : 'alone, without every_seconds'}`;
    return [{ path: '/cron', message }];
  }
  if (everyMs !== null) {
    const isFine = everyMs >= SHORTEST_MS && everyMs <= LONGEST_MS;
    return isFine ? [] : [{ path: '/every_seconds', message: 'must be from 1 to 31536000' }];
  }
  const problem = problemOf(cron!, timezone, now);
  return problem === null ? [] : [{ path: '/cron', message: problem }];
}

function problemOf(cron: string, timezone: string, now: number): string | null {
  const fields = cron.trim().split(/\s+/).length;
  const isNickname = NICKNAMES.includes(cron.trim().toLowerCase());
  if (!isNickname && fields !== 5 && fields !== 6) {
    return `must have five fields (minute hour day month weekday), or six with the seconds first, or be one of ${NICKNAMES.join(', ')}`;
  }
  try {
    return nextOf(cron, timezone, now) === null ? 'never comes due: there is no such day' : null;
  } catch (error) {
    return `is not understood: ${asWritten((error as Error).message.replace(/^Cron\w+: /, ''))}`;
  }
}

/** The library counts days and months from 0, also when it says what is wrong with them. */
function asWritten(message: string): string {
  return message.replace(/(day|month): (-?\d+)$/, (_, field, value) => `${field}: ${Number(value) + 1}`);
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The first due time after this moment; null: there is none any more. */
export function nextDue({ cron, everyMs, timezone, createdAt }: Beat, after: number): number | null {
  if (cron === null) return createdAt + Math.max(1, Math.floor((after - createdAt) / everyMs!) + 1) * everyMs!;
  try {
    return nextOf(cron, timezone, after);
  } catch {
    // It was understood when it was made. A time zone may be unknown to where it was moved to: it rests until somebody looks.
    return null;
  }
}

/**
 * What is to be done about a schedule whose time has come. Of all the due times that have passed only the newest can come to a
 * task: when it is on time, or when it may be caught up with. The others are missed. Null: it is not due.
 */
export function turnOf(schedule: Schedule, now: number): Turn | null {
  const first = schedule.nextDueAt;
  if (first === null || first > now) return null;
  const { passed, last, lastButOne, next } = passedSince(schedule, first, now);
  const fires = now - last <= ON_TIME_MS || schedule.catchUp === 'one';
  return {
    firing: fires ? last : null,
    missed: fires ? passed - 1 : passed,
    lastMissed: fires ? lastButOne : last,
    last,
    next,
  };
}

interface Passed {
  readonly passed: number;
  readonly last: number;
  readonly lastButOne: number | null;
  /** What comes after them. */
  readonly next: number | null;
}

/** The due times from the first on until now. */
function passedSince(beat: Beat, first: number, now: number): Passed {
  if (beat.everyMs !== null) {
    const more = Math.floor((now - first) / beat.everyMs);
    const last = first + more * beat.everyMs;
    return { passed: more + 1, last, lastButOne: more > 0 ? last - beat.everyMs : null, next: last + beat.everyMs };
  }
  let [last, lastButOne]: [number, number | null] = [first, null];
  for (let passed = 1; passed <= MOST_MISSED; passed++) {
    const next = nextDue(beat, last);
    if (next === null || next > now) return { passed, last, lastButOne, next };
    [last, lastButOne] = [next, last];
  }
  const newest = newestDue(beat, last, now);
  const before = newest === last ? lastButOne : last;
  return { passed: MOST_MISSED + 1, last: newest, lastButOne: before, next: nextDue(beat, newest) };
}

/** The newest due time until now, found by halving the time since an earlier one: they may be millions. */
function newestDue(beat: Beat, known: number, now: number): number {
  let [newest, none] = [known, now];
  while (newest < none) {
    const middle = Math.floor((newest + none) / 2);
    const next = nextDue(beat, middle);
    if (next !== null && next <= now) newest = next;
    else none = middle;
  }
  return newest;
}
