import { timestamp } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { PendingReason, TaskStatus } from '../core/task.ts';
import { inWords, read } from './asked.ts';
import type { Field } from './candidates.ts';
import { words } from './words.ts';

/** What a task waits for, and what would end the waiting, in words for people. */

export type WaitingFor = PendingReason | 'capacity' | 'worker';

export interface Wait {
  readonly for: WaitingFor;
  /** What goes on after "waits": `until 2 of 3 have approved`. */
  readonly text: string;
  /** Wall time at which it is over, one way or another; null: that is not known. */
  readonly until: number | null;
  readonly voteId?: string;
  readonly notVoted?: readonly string[];
  readonly dependencies?: readonly Dependency[];
}

export interface Dependency {
  readonly id: string;
  readonly status: TaskStatus;
}

export interface OpenVote {
  /** Null: it is not open yet, and neither is known when it would close. */
  readonly id: string | null;
  readonly closesAt: number | null;
  readonly approvals: number;
  readonly needed: number;
  readonly notVoted: readonly string[];
}

/** What a pending task waits for: any of it, at the same time. */
export interface Pending {
  readonly vote: OpenVote | null;
  /** The dependencies that have not completed. */
  readonly unmet: readonly Dependency[];
  /** The time it waits for, and whether it is that of another attempt. */
  readonly dueAt: number | null;
  readonly isRetry: boolean;
}

/** So many dependencies are named. */
const MOST_DEPENDENCIES = 20;

/** In the order in which the waits end. */
export function waitsOfPending({ vote, unmet, dueAt, isRetry }: Pending): Wait[] {
  return [
    ...(vote === null ? [] : [approval(vote)]),
    ...(unmet.length === 0 ? [] : [dependencies(unmet)]),
    ...(dueAt === null ? [] : [time(dueAt, isRetry)]),
  ];
}

function approval({ id, closesAt, approvals, needed, notVoted }: OpenVote): Wait {
  const who = notVoted.length === 0 ? '' : `; ${words(notVoted)} ${notVoted.length === 1 ? 'has' : 'have'} not voted`;
  const vote = id === null ? 'for a vote' : `for vote ${id}`;
  const open = closesAt === null ? '' : `, open until ${timestamp(closesAt)}`;
  const text = `${vote}${open}: ${approvals} of ${needed} approvals${who}`;
  return { for: 'approval', text, until: closesAt, ...(id === null ? {} : { voteId: id }), notVoted };
}

function dependencies(unmet: readonly Dependency[]): Wait {
  const text = `for ${count(unmet.length, 'task')} to complete: ${words(unmet.map(({ id, status }) => `${id} (${status})`))}`;
  return { for: 'dependencies', text, until: null, dependencies: unmet.slice(0, MOST_DEPENDENCIES) };
}

function time(until: number, isRetry: boolean): Wait {
  const text = `${isRetry ? 'until its next attempt at' : 'until its time comes at'} ${timestamp(until)}`;
  return { for: isRetry ? 'retry' : 'scheduled', text, until };
}

/** A limit on how many tasks execute at once. */
export interface Limit {
  /** The variable or rule that sets it. */
  readonly name: string;
  readonly most: number;
  readonly executing: number;
}

/** A limit on how many tasks start in a second, that lets the next one start at this time (wall). */
export interface RateLimit {
  readonly name: string;
  readonly perSecond: number;
  readonly opensAt: number;
}

/**
 * What a queued task waits for: a worker, where nobody who could do it is there and asks for work; capacity, where somebody
 * is, and has no slot free, or a limit is reached. Nothing: it is about to be given to a worker.
 * @param limits those that hold this task back
 */
export function waitsOfQueued(field: Field, requirements: JsonObject, limits: readonly (Limit | RateLimit)[]): Wait[] {
  const waits: Wait[] = [];
  const add = (reason: WaitingFor, text: string, until: number | null = null) =>
    waits.push({ for: reason, text, until });
  if (field.able === 0) add('worker', nobodyThere(field, requirements));
  else if (field.free === 0) add('capacity', allBusy(field.able));
  else if (field.asking === 0) add('worker', notAsking(field.free));
  if (field.able > 0) {
    for (const limit of limits) {
      if ('most' in limit) {
        const { name, most, executing } = limit;
        add('capacity', `because ${name} (${most}) is reached: ${count(executing, 'task')} executing`);
      } else {
        const { name, perSecond, opensAt } = limit;
        add('capacity', `until ${timestamp(opensAt)}, because ${name} lets ${perSecond} start in a second`, opensAt);
      }
    }
  }
  return waits;
}

function nobodyThere({ total, capable, kept }: Field, requirements: JsonObject): string {
  if (total === 0) return 'for a worker: none is registered';
  if (capable === 0)
    return `for a worker: none of the ${total} registered can do this; it needs ${inWords(read(requirements))}`;
  const why = [
    kept.offline > 0 ? `${kept.offline} offline` : '',
    kept.draining > 0 ? `${kept.draining} draining` : '',
    kept.quarantined > 0 ? `${kept.quarantined} in quarantine` : '',
  ];
  return `for a worker: ${capable === 1 ? 'the only one' : `all ${capable}`} that could do this cannot just now (${why.filter(Boolean).join(', ')})`;
}

function allBusy(able: number): string {
  return `for a free slot: ${able === 1 ? 'the only worker' : `all ${able} workers`} that could do this ${able === 1 ? 'is' : 'are'} busy`;
}

function notAsking(free: number): string {
  return `for a worker to ask for work: ${count(free, 'worker')} that could do this ${free === 1 ? 'has' : 'have'} a free slot, and ${free === 1 ? 'does' : 'do'} not ask`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
