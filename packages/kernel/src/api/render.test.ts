import { expect, test } from 'vitest';
import type { Task } from '../core/task.ts';
import { aTask } from '../testing/scribe.ts';
import { renderAssignment, renderTask, renderTasks, renderWorker } from './render.ts';

const NOW = Date.parse('2026-01-02T03:04:05.678Z');

const task = aTask(
  { description: 'say "hi"', payload: JSON.parse('{"__proto__":{"a":[1]}}'), created_by: 'me' },
  { id: 't1', lane: 'l' },
  NOW,
);

test('a task shows every field of the contract', () => {
  expect(Object.keys(JSON.parse(renderTask(task, NOW))).sort()).toEqual(
    [
      'id description payload status pending_reason priority requirements preferences constraints tags metadata',
      'timeout_seconds max_retries retry_count retry_backoff run_at depends_on parent_id created_by group assigned_worker',
      'attempt plan_id progress result error error_trace created_at queued_at started_at completed_at elapsed_seconds',
    ]
      .flatMap((line) => line.split(' '))
      .sort(),
  );
  expect(JSON.parse(renderTask(task, NOW))).toMatchObject({
    description: 'say "hi"',
    created_at: '2026-01-02T03:04:05.678Z',
  });
  expect(renderTask(task, NOW)).toContain('"payload":{"__proto__":{"a":[1]}}');
});

test('a result is spliced in as it was stored', () => {
  const ended: Task = {
    ...task,
    status: 'completed',
    startedAt: NOW,
    completedAt: NOW + 1500,
    worker: 'w1',
    result: '{"x": [1, 2]}',
  };
  expect(renderTask(ended, NOW + 9000)).toContain('"result":{"x": [1, 2]}');
  expect(JSON.parse(renderTask(ended, NOW + 9000))).toMatchObject({ elapsed_seconds: 1.5, assigned_worker: 'w1' });
});

test('the time of a running task runs, and never backwards', () => {
  const running: Task = { ...task, status: 'executing', startedAt: NOW, worker: 'w1' };
  expect(JSON.parse(renderTask(running, NOW + 250)).elapsed_seconds).toBe(0.25);
  expect(JSON.parse(renderTask(running, NOW - 250)).elapsed_seconds).toBe(0);
});

test('a task that went back to the queue is nobody’s', () => {
  const requeued: Task = { ...task, startedAt: NOW, worker: 'w1' };
  expect(JSON.parse(renderTask(requeued, NOW))).toMatchObject({ assigned_worker: null, elapsed_seconds: null });
});

test('odd text stays JSON', () => {
  const failed: Task = { ...task, status: 'failed', error: 'a"\n\u2028', errorTrace: '\\', completedAt: NOW };
  expect(JSON.parse(renderTask(failed, NOW))).toMatchObject({ error: 'a"\n\u2028', error_trace: '\\' });
});

test('an assignment carries its lease, a list its commas', () => {
  expect(JSON.parse(renderAssignment({ task, token: 7 }, NOW + 1000, NOW)).lease).toEqual({
    token: 7,
    expires_at: '2026-01-02T03:04:06.678Z',
  });
  expect(JSON.parse(renderTasks([task, task], NOW))).toHaveLength(2);
  expect(renderTasks([], NOW)).toBe('[]');
});

test('a worker shows what it is and how it does', () => {
  const worker = {
    id: 'w1',
    version: 1,
    profile: { name: 'bee', capabilities: [], attributes: { cpu: 'high' }, maxConcurrentTasks: 2 },
    holds: ['t1'],
    offline: false,
    draining: false,
    registeredAt: NOW,
    lastHeartbeat: NOW,
    completed: 2,
    failed: 1,
    recent: '',
    experience: [],
    quarantine: null,
    busyMs: 4500,
  };
  expect(JSON.parse(renderWorker({ ...worker, lastHeartbeat: NOW + 1000 }))).toEqual({
    id: 'w1',
    name: 'bee',
    status: 'idle',
    capabilities: [],
    attributes: { cpu: 'high' },
    max_concurrent_tasks: 2,
    current_task: 't1',
    current_tasks: ['t1'],
    last_heartbeat: '2026-01-02T03:04:06.678Z',
    registered_at: '2026-01-02T03:04:05.678Z',
    draining: false,
    quarantine: null,
    stats: { completed: 2, failed: 1, mean_seconds: 1.5 },
  });
});
