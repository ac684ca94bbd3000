/** invariant 6: only the transitions of this table happen. Whoever changes the lifecycle changes it here as well. */
import { expect, test } from 'vitest';
import { mayFollow } from './lifecycle.ts';
import { TASK_STATUSES, type TaskStatus, TERMINAL } from './task.ts';

const TABLE: Readonly<Record<TaskStatus | 'new', string>> = {
  new: 'queued pending cancelled rejected',
  pending: 'queued cancelled pending rejected',
  queued: 'executing cancelled queued',
  executing: 'completed failed timeout cancelled queued pending executing',
  completed: '',
  failed: 'queued pending rejected',
  timeout: 'queued pending rejected',
  cancelled: 'queued pending rejected',
  rejected: '',
};

test.each(Object.entries(TABLE))('invariant 6: what may follow %s is: %s', (from, to) => {
  const allowed = TASK_STATUSES.filter((next) => mayFollow(from === 'new' ? null : (from as TaskStatus), next));
  expect([...allowed].sort()).toEqual(to.split(' ').filter(Boolean).sort());
});

test('invariant 6: nothing ended goes anywhere but back to the beginning, by hand, where it is judged anew', () => {
  for (const status of TERMINAL) {
    const next = TASK_STATUSES.filter((to) => mayFollow(status, to));
    expect(next.every((to) => ['queued', 'pending', 'rejected'].includes(to))).toBe(true);
  }
});
