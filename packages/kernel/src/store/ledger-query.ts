import type { LedgerEntry } from '../core/event.ts';
import type { LedgerQuery } from '../core/store.ts';

export function fits(entry: LedgerEntry, query: LedgerQuery): boolean {
  return (
    (query.type === undefined || entry.type === query.type) &&
    (query.taskId === undefined || entry.taskId === query.taskId) &&
    (query.workerId === undefined || entry.workerId === query.workerId) &&
    (query.actor === undefined || entry.actor === query.actor)
  );
}

/** The most selective of the query's conditions that has an index. */
export function indexed(query: LedgerQuery): readonly ['worker' | 'type' | 'actor', string] | null {
  if (query.workerId !== undefined) return ['worker', query.workerId];
  if (query.type !== undefined) return ['type', query.type];
  if (query.actor !== undefined) return ['actor', query.actor];
  return null;
}
