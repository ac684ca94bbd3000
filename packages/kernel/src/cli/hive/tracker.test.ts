import type { ColonyEvent } from '@colonyos/client';
import { expect, test } from 'vitest';
import { Tracker } from './tracker.ts';

function event(type: string, ms: number, data: ColonyEvent['data'] = {}): ColonyEvent {
  const timestamp = new Date(1_000_000 + ms).toISOString();
  return { type, timestamp, source: 'kernel', data: { task_id: 'a', ...data } };
}

test('a task is followed from its submit over a lost bee to its end', () => {
  const tracker = new Tracker();
  tracker.hear(event('task_submitted', 0, { status: 'queued' }));
  expect(tracker.open).toBe(0);
  tracker.adopt({ id: 'a' }, 'a.txt', 1.5);
  expect(tracker.count('queued')).toBe(1);
  tracker.hear(event('task_assigned', 10));
  expect([tracker.count('queued'), tracker.count('executing')]).toEqual([0, 1]);
  tracker.hear(event('task_requeued', 2_000));
  tracker.hear(event('task_assigned', 2_001));
  tracker.hear(event('task_completed', 2_005));
  expect([tracker.open, tracker.count('completed')]).toEqual([0, 1]);
  expect(tracker.tasks.get('a')).toMatchObject({
    path: 'a.txt',
    submitMs: 1.5,
    attempts: 2,
    requeued: 1,
    firstAssignedAt: 1_000_010,
    lastAssignedAt: 1_002_001,
    endedAt: 1_002_005,
  });
});

test('tasks of others do not count', () => {
  const tracker = new Tracker();
  tracker.adopt({ id: 'a' }, 'a.txt', 1);
  tracker.hear(event('task_submitted', 0, { task_id: 'other', status: 'queued' }));
  tracker.hear(event('task_completed', 1, { task_id: 'other' }));
  expect([...tracker.tasks.keys()]).toEqual(['a']);
  expect([tracker.open, tracker.count('completed'), tracker.events]).toEqual([1, 0, 2]);
});

test('a task whose submit is acknowledged after its end is not waited for', () => {
  const tracker = new Tracker();
  for (const type of ['task_submitted', 'task_assigned', 'task_failed']) tracker.hear(event(type, 0));
  tracker.adopt({ id: 'a' }, 'a.txt', 1);
  expect([tracker.open, tracker.count('failed')]).toEqual([0, 1]);
});
