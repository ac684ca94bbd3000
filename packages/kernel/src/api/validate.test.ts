import { describe, expect, test } from 'vitest';
import { EventsQuery } from './schemas/system.ts';
import { taskInput } from './schemas/task.ts';
import { MAX_DEPTH, tooDeep, validator, validatorCompiler } from './validate.ts';

const check = validator(taskInput(3600));

describe('a task', () => {
  test.each([
    { description: 'x' },
    { description: 'x', unknown: true, priority: 0 },
    { description: '\u{1f41d}'.repeat(10_000) },
    { description: 'x', payload: null, run_at: null, parent_id: null },
    { description: 'x', payload: JSON.parse('{"__proto__":{"a":1}}') },
    { description: 'x', requirements: JSON.parse('{"__proto__":{"a":1}}') },
    { description: 'a\0b\ud800' },
  ])('%j is well formed', (task) => {
    expect(check(task)).toBeNull();
  });

  test.each([
    [null, ''],
    [[], ''],
    [{}, '/description'],
    [JSON.parse('{"__proto__":{"description":"x"}}'), '/description'],
    [{ description: '' }, '/description'],
    [{ description: 'x'.repeat(10_001) }, '/description'],
    [{ description: 1 }, '/description'],
    [{ description: 'x', priority: '5' }, '/priority'],
    [{ description: 'x', priority: 11 }, '/priority'],
    [{ description: 'x', priority: 1.5 }, '/priority'],
    [{ description: 'x', priority: null }, '/priority'],
    [{ description: 'x', requirements: [] }, '/requirements'],
    [{ description: 'x', metadata: 'x' }, '/metadata'],
    [{ description: 'x', constraints: null }, '/constraints'],
    [{ description: 'x', preferences: 1 }, '/preferences'],
    [{ description: 'x', tags: [''] }, '/tags/0'],
    [{ description: 'x', tags: ['x'.repeat(65)] }, '/tags/0'],
    [{ description: 'x', tags: ['a\0'] }, '/tags/0'],
    [{ description: 'x', tags: ['a\ud800'] }, '/tags/0'],
    [{ description: 'x', tags: Array(33).fill('t') }, '/tags'],
    [{ description: 'x', timeout_seconds: 0 }, '/timeout_seconds'],
    [{ description: 'x', timeout_seconds: 3601 }, '/timeout_seconds'],
    [{ description: 'x', max_retries: 101 }, '/max_retries'],
    [{ description: 'x', delay_seconds: -1 }, '/delay_seconds'],
    [{ description: 'x', delay_seconds: 1e12 }, '/delay_seconds'],
    [{ description: 'x', depends_on: [1] }, '/depends_on/0'],
    [{ description: 'x', depends_on: Array(1001).fill('t') }, '/depends_on'],
    [{ description: 'x', retry_backoff: { type: 'linear' } }, '/retry_backoff/type'],
    [{ description: 'x', retry_backoff: { jitter: 1 } }, '/retry_backoff/jitter'],
  ])('%j is refused at %s', (task, path) => {
    expect(check(task)?.map((error) => error.path)).toContain(path);
  });
});

test.each([
  [{ description: 'x', run_at: 5 }, ['must be string']],
  [{ description: 'x', parent_id: '' }, ['must not have fewer than 1 characters']],
  [{ description: 'x', delay_seconds: 'soon', parent_id: 7 }, ['must be number', 'must be string']],
])('of a field that may be null %j is told what else it may be', (task, messages) => {
  expect(
    check(task)
      ?.map((error) => error.message)
      .sort(),
  ).toEqual(messages);
});

describe('a query string', () => {
  const validate = validatorCompiler({ schema: EventsQuery, httpPart: 'querystring', method: 'GET', url: '/' });

  test('becomes whole numbers where they are wanted', () => {
    const query = { since: '12', task_id: '12' };
    expect(validate(query)).toBe(true);
    expect(query).toEqual({ since: 12, task_id: '12' });
  });

  test.each(['', ' 1', '1e2', '0x10', '1.5', '-1', 'abc', '99999999999999999999'])('but not %j', (since) => {
    expect(validate({ since })).toHaveProperty('error.refusal.errors.0.path', 'query.since');
  });
});

test('depth counts arrays and objects', () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  expect(tooDeep(nested(MAX_DEPTH))).toBe(false);
  expect(tooDeep(nested(MAX_DEPTH + 1))).toBe(true);
});
