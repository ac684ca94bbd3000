import { timestamp } from './clock.ts';
import type { EphemeralEvent, LedgerEntry } from './event.ts';

/** The event's JSON as watchers see it. */
export function wireEvent(entry: LedgerEntry): string {
  return `{"id":${entry.id},"type":"${entry.type}","data":${entry.data},"timestamp":"${timestamp(entry.at)}","source":"${entry.source}"}`;
}

export function wireEphemeral(event: EphemeralEvent): string {
  return `{"type":"${event.type}","data":${event.data},"timestamp":"${timestamp(event.at)}","source":"${event.source}"}`;
}
