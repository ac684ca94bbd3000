import type { AuditEntry, ColonyEvent } from '@colonyos/client';
import { describe, expect, test } from 'vitest';
import { StreamRecord } from './stream-record.ts';

const timestamp = '2026-01-01T00:00:00.000Z';

function event(id: number, task = 't'): ColonyEvent {
  return { id, type: 'task_submitted', data: { task_id: task }, timestamp, source: 'kernel' };
}

function entry(id: number, task = 't'): AuditEntry {
  const details = { task_id: task };
  return {
    id,
    timestamp,
    event_type: 'task_submitted',
    actor: 'me',
    source: 'kernel',
    details,
    prev_hash: null,
    hash: null,
  };
}

function checked(events: readonly ColonyEvent[], entries: readonly AuditEntry[], from = 10) {
  const record = new StreamRecord(from);
  for (const one of events) record.hear(one);
  for (const one of entries) record.compare(one);
  return record.check();
}

describe('the record of the event stream', () => {
  test('agrees with a ledger that says the same', () => {
    const check = checked([event(11), event(12), event(13)], [entry(11), entry(12), entry(13)]);
    expect(check).toEqual({ from: 10, to: 13, events: 3, gaps: 0, firstDifference: null });
  });

  test('does not mind ephemeral events, nor what came after the comparison began', () => {
    const { id: _, ...ephemeral } = event(0);
    expect(checked([event(11), ephemeral, event(12)], [entry(11)])).toMatchObject({ gaps: 0, firstDifference: null });
  });

  test('notices an event that was left out', () => {
    const check = checked([event(11), event(13)], [entry(11), entry(12), entry(13)]);
    expect(check).toMatchObject({ gaps: 1, firstDifference: 12 });
  });

  test('notices an event that came twice', () => {
    expect(checked([event(11), event(11), event(12)], [entry(11), entry(12)])).toMatchObject({ gaps: 1 });
  });

  test('notices an event that told something else', () => {
    expect(checked([event(11), event(12, 'u')], [entry(11), entry(12)])).toMatchObject({
      gaps: 0,
      firstDifference: 12,
    });
  });

  test('notices that the stream stopped early', () => {
    expect(checked([event(11)], [entry(11), entry(12)])).toMatchObject({ firstDifference: 12 });
  });
});
