/** What a watcher gets to see of the stream, and how that looks. */
import { expect, test, vi } from 'vitest';
import type { EphemeralEvent } from '../core/event.ts';
import { DAWN } from '../testing/scribe.ts';
import { atRest } from '../testing/sim-clock.ts';
import { Stage } from '../testing/watching.ts';

const HEARTBEAT: EphemeralEvent = {
  type: 'worker_heartbeat',
  source: 'kernel',
  at: DAWN,
  data: '{"worker_id":"maya"}',
  taskId: null,
  workerId: 'maya',
};
const PROGRESS: EphemeralEvent = {
  type: 'task_progress',
  source: 'worker:maya',
  at: DAWN,
  data: '{"task_id":"t1"}',
  taskId: 't1',
  workerId: 'maya',
};

function told(stage: Stage): void {
  stage.publish(1, { type: 'task_submitted', taskId: 't1' });
  stage.publish(1, { type: 'worker_registered', workerId: 'maya' });
  stage.publish(1, { type: 'task_completed', taskId: 't2' });
  stage.bus.publishEphemeral(HEARTBEAT);
  stage.publish(1, { type: 'kernel_stopped' });
}

test.each([
  ['all', null, [1, 2, 3, 4]],
  ['one type', ['task_completed'], [3]],
  ['several types', ['task_completed', 'kernel_stopped'], [3, 4]],
  ['a family', ['task_*'], [1, 3]],
  ['a family and a type', ['task_*', 'worker_registered'], [1, 2, 3]],
  ['everything by a star', ['*'], [1, 2, 3, 4]],
  ['a type that is only the beginning of another', ['task'], []],
  ['none', [], []],
])('types: %s', async (_, types, expected) => {
  const stage = new Stage();
  const watcher = await stage.watch({ types });
  told(stage);
  await atRest();
  expect(watcher.ids.filter((id) => id !== null)).toEqual(expected);
});

test('one task alone, and together with types', async () => {
  const stage = new Stage();
  const [one, none] = [
    await stage.watch({ taskId: 't1' }),
    await stage.watch({ taskId: 't1', types: ['task_completed'] }),
  ];
  told(stage);
  await atRest();
  expect([one.ids, none.ids]).toEqual([[1], []]);
});

test('filters hold for what is replayed as well', async () => {
  const stage = new Stage(1000);
  stage.publish(1, { type: 'task_completed', taskId: 't1' });
  const watcher = await stage.watch({ since: 0, types: ['task_completed'] });
  await vi.waitFor(() => expect(watcher.ids).toEqual([1001]));
});

test('an event on the wire', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  stage.publish(1, { at: DAWN, data: '{"task_id":"t1"}', source: 'worker:maya' });
  await atRest();
  stage.bus.publishEphemeral(HEARTBEAT);
  expect(watcher.events.map(({ json }) => JSON.parse(json))).toEqual([
    {
      id: 1,
      type: 'task_submitted',
      data: { task_id: 't1' },
      timestamp: '2026-01-01T00:00:00.000Z',
      source: 'worker:maya',
    },
    {
      type: 'worker_heartbeat',
      data: { worker_id: 'maya' },
      timestamp: '2026-01-01T00:00:00.000Z',
      source: 'kernel',
    },
  ]);
});

test('ephemeral events are filtered like others', async () => {
  const stage = new Stage();
  const [tasks, workers, other] = [
    await stage.watch({ types: ['task_*'] }),
    await stage.watch({ types: ['worker_heartbeat'] }),
    await stage.watch({ taskId: 't2' }),
  ];
  for (const event of [HEARTBEAT, PROGRESS]) stage.bus.publishEphemeral(event);
  expect([tasks.events.length, workers.events.length, other.events.length]).toEqual([1, 1, 0]);
});

test('who still replays sees no ephemeral event, lest it come before its time', async () => {
  const stage = new Stage(2000);
  const watcher = await stage.watch({ since: 0 });
  stage.bus.publishEphemeral(HEARTBEAT);
  await vi.waitFor(() => expect(watcher.ids).toHaveLength(2000));
  stage.bus.publishEphemeral(HEARTBEAT);
  expect(watcher.ids.filter((id) => id === null)).toHaveLength(1);
});

test('who has no room gets no ephemeral event', async () => {
  const stage = new Stage();
  const watcher = await stage.watch();
  watcher.unsent = 10_000_000;
  stage.bus.publishEphemeral(HEARTBEAT);
  expect(watcher.events).toEqual([]);
});
