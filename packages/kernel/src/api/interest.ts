import type { Interest } from '../body/event-relay.ts';
import type { Refusal } from '../core/errors.ts';
import { invalidField } from './problem.ts';

/** The query of an event stream, checked for shape. */
export interface EventsQueryValues {
  readonly since?: number;
  readonly types?: string;
  readonly task_id?: string;
}

/** @param lastEventId what a reconnecting EventSource saw last; it counts more than `since` */
export function readInterest(query: EventsQueryValues, lastEventId?: string | string[]): Interest | Refusal {
  const types = query.types?.split(',').map((type) => type.trim());
  if (types?.some((type) => !/^([a-z_]+\*?|\*)$/.test(type))) {
    return invalidField('query.types', 'must be a comma list of event types, with * only at an end');
  }
  let since = query.since ?? null;
  if (lastEventId !== undefined && lastEventId !== '') {
    if (typeof lastEventId !== 'string' || !/^\d{1,15}$/.test(lastEventId)) {
      return invalidField('header.Last-Event-ID', 'must be the id of an event');
    }
    since = Number(lastEventId);
  }
  return { since, types: types ?? null, taskId: query.task_id ?? null };
}
