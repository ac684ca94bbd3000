import { expect, test } from 'vitest';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import { decodeCursor, encodeCursor, nextPage } from './cursor.ts';
import { asRefusal } from './fault.ts';
import { requirePolicy } from './policy.ts';
import { invalid, problemHeaders, problemOf } from './problem.ts';

test('a refusal becomes problem details', () => {
  expect(problemOf(new Refusal('task_not_found', 'No such task.'), '/tasks/x')).toEqual({
    type: 'urn:colonyos:problem:task_not_found',
    title: 'There is no such task',
    status: 404,
    detail: 'No such task.',
    instance: '/tasks/x',
    code: 'task_not_found',
  });
});

test('validation says where and what', () => {
  const refusal = invalid([
    { path: '/a', message: 'is required' },
    { path: '/b', message: 'must be integer' },
  ]);
  expect(problemOf(refusal, '/')).toMatchObject({
    status: 422,
    detail: '/a is required (and 1 more).',
    errors: [{}, {}],
  });
});

test('headers say what to do next', () => {
  expect(problemHeaders(new Refusal('unauthorized', ''))['www-authenticate']).toMatch(/^Bearer/);
  expect(problemHeaders(new Refusal('queue_full', '', { retryAfterSeconds: 0.2 }))['retry-after']).toBe('1');
  expect(problemHeaders(new Refusal('storage_unavailable', ''))['retry-after']).toBeDefined();
  expect(problemHeaders(new Refusal('shutting_down', '')).connection).toBe('close');
});

test('what nobody expected tells nothing of itself', () => {
  const problem = problemOf(asRefusal(new Error('secret at /home/x.ts')), '/');
  expect(problem).toMatchObject({ status: 500, code: 'internal_error' });
  expect(JSON.stringify(problem)).not.toContain('secret');
  expect(asRefusal(new StorageUnavailable('disk full'))).toMatchObject({ code: 'storage_unavailable' });
  expect(asRefusal(undefined)).toMatchObject({ code: 'internal_error' });
});

test('a cursor is opaque and checked', () => {
  expect(decodeCursor(encodeCursor(42))).toBe(42);
  for (const bad of ['', 'x', '42', encodeCursor(-1)]) expect(decodeCursor(bad)).toBeNull();
  expect(nextPage('/tasks?limit=2&cursor=a&tag=x%20y', 'b')).toBe('</tasks?limit=2&cursor=b&tag=x+y>; rel="next"');
});

test('a route without a policy does not start', () => {
  const route = { method: 'GET', url: '/x' } as const;
  expect(() => requirePolicy(route)).toThrow(/declares no policy/);
  expect(() => requirePolicy({ ...route, config: {} })).toThrow();
  expect(() => requirePolicy({ ...route, config: { policy: 'everybody' as 'open' } })).toThrow();
  expect(() => requirePolicy({ ...route, config: { policy: 'read' } })).not.toThrow();
});
