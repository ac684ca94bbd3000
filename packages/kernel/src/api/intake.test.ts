import { expect, test } from 'vitest';
import type { NewTask } from '../core/command.ts';
import { Refusal } from '../core/errors.ts';
import type { TaskInput } from '../core/task.ts';
import { TaskMaker } from '../core/task-maker.ts';
import { newId } from './ids.ts';
import { Intake, idempotencyKey, readIdempotencyHeader } from './intake.ts';

const intakeUpTo = (maxTimeout: number) => new Intake(new TaskMaker(newId, maxTimeout));
const intake = intakeUpTo(3600);

function take(input: Partial<TaskInput>, by: Intake = intake): NewTask {
  const task = by.newTask({ description: 'x', ...input }, 'me', 0);
  if (task instanceof Refusal) throw new Error(task.detail);
  return task;
}

test('equal requirements share a lane, whatever their order and the bee’s name', () => {
  const { lane } = take({ requirements: { a: 1, b: 2 } });
  expect(take({ requirements: { b: 2, a: 1 } }).lane).toBe(lane);
  expect(take({ requirements: { b: 2, beeId: 'ImageProcessor', a: 1 } }).lane).toBe(lane);
  expect(take({ requirements: { a: 1, b: 3 } }).lane).not.toBe(lane);
  expect(take({}).lane).not.toBe(lane);
});

test('a group has lanes of its own, and is no part of what is judged', () => {
  const [plain, acme, other] = [take({}), take({ group: 'acme' }), take({ group: 'acme', requirements: { a: 1 } })];
  expect(acme.lane).toBe(`${plain.lane}:acme`);
  expect(other.lane).not.toBe(acme.lane);
  expect(acme.contentHash).toBe(plain.contentHash);
});

test('the timeout is 300 seconds, or the most that is allowed', () => {
  expect(take({}).spec.timeout_seconds).toBe(300);
  expect(take({}, intakeUpTo(60)).spec.timeout_seconds).toBe(60);
});

test.each(['2026-01-31T12:00:00Z', '2026-01-31t12:00:00.5z', '2026-01-31T12:00:00+02:00'])('%s is a time', (run_at) => {
  expect(take({ run_at }).spec.run_at).toMatch(/^2026-01-31T1\d:00:00\.[05]00Z$/);
});

test.each(['tomorrow', '2026-01-31', '2026-01-31T12:00:00', '2026-02-31T25:00:00Z', '2026-01-31T12:00:60Z', '1'])(
  '%s is not',
  (run_at) => {
    expect(intake.newTask({ description: 'x', run_at }, 'me', 0, '/tasks/3')).toMatchObject({
      code: 'validation_failed',
      errors: [{ path: '/tasks/3/run_at' }],
    });
  },
);

test('an idempotency key belongs to principal and route; its body is compared as JSON', () => {
  const key = idempotencyKey('POST /tasks', 'me', 'k', { a: 1, b: [2] });
  expect(idempotencyKey('POST /tasks', 'me', 'k', { b: [2], a: 1 })).toEqual(key);
  expect(idempotencyKey('POST /tasks', 'you', 'k', {}).key).not.toBe(key.key);
  expect(idempotencyKey('POST /tasks/batch', 'me', 'k', {}).key).not.toBe(key.key);
  expect(idempotencyKey('POST /tasks', 'me', 'k', { a: 2, b: [2] }).bodyHash).not.toBe(key.bodyHash);
});

test('a key is printable and not too long', () => {
  expect(readIdempotencyHeader(undefined)).toBeNull();
  expect(readIdempotencyHeader('abc-1')).toBe('abc-1');
  for (const bad of ['', 'x'.repeat(256), 'a\u00e9']) expect(readIdempotencyHeader(bad)).toBeInstanceOf(Refusal);
});
