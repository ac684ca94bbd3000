import { describe, expect, test } from 'vitest';
import { leftIn, startsFor, waitForToken } from './limits.ts';
import { parsePolicy } from './parse.ts';

function read(...limits: unknown[]) {
  return parsePolicy({ version: 1, rules: [], limits });
}

function errorsOf(...limits: unknown[]): string[] {
  const parsed = read(...limits);
  return 'errors' in parsed ? parsed.errors.map(({ path, message }) => `${path} ${message}`) : [];
}

const LIMIT = { id: 'gpus', capability: 'ocr', max_concurrent: 4 };

describe('a limit', () => {
  test('says how many tasks execute at once, how many are started in a second, or both', () => {
    const rated = { id: 'api', capability: 'api', per_second: 2.5 };
    const both = { ...LIMIT, id: 'both', per_second: 0.2, burst: 7, description: 'as the contract says' };
    expect(read(LIMIT, rated, both, { ...LIMIT, id: 'closed', max_concurrent: 0 })).toMatchObject({
      policy: {
        document: { limits: [LIMIT, rated, both, { max_concurrent: 0 }] },
        limits: [
          { id: 'gpus', capability: 'ocr', maxConcurrent: 4, rate: null },
          { id: 'api', capability: 'api', maxConcurrent: null, rate: { perSecond: 2.5, burst: 3 } },
          { id: 'both', capability: 'ocr', maxConcurrent: 4, rate: { perSecond: 0.2, burst: 7 } },
          { id: 'closed', maxConcurrent: 0 },
        ],
      },
    });
  });

  test('lets at least one start at once, however slow it is', () => {
    expect(read({ id: 'slow', capability: 'x', per_second: 0.01 })).toMatchObject({
      policy: { limits: [{ rate: { burst: 1 } }] },
    });
  });

  test.each([
    ['nothing to bound', { id: 'a', capability: 'x' }, '/limits/0 must have max_concurrent, per_second, or both'],
    ['no id', { capability: 'x', max_concurrent: 1 }, '/limits/0/id is required'],
    ['no capability', { id: 'a', max_concurrent: 1 }, '/limits/0/capability is required: the name of a capability'],
    ['an empty name', { ...LIMIT, capability: '' }, '/limits/0/capability must be the name of a capability'],
    ['a long name', { ...LIMIT, capability: 'x'.repeat(201) }, '/limits/0/capability must be'],
    ['part of a task', { ...LIMIT, max_concurrent: 1.5 }, '/limits/0/max_concurrent must be a whole number from 0'],
    ['less than none', { ...LIMIT, max_concurrent: -1 }, '/limits/0/max_concurrent must be a whole number from 0'],
    ['null', { ...LIMIT, max_concurrent: null }, '/limits/0/max_concurrent must be a whole number from 0'],
    ['no speed', { ...LIMIT, per_second: 0 }, '/limits/0/per_second must be a number over 0'],
    ['a burst of none', { ...LIMIT, per_second: 1, burst: 0 }, '/limits/0/burst must be a whole number from 1'],
    ['a burst without a rate', { ...LIMIT, burst: 3 }, '/limits/0/burst needs per_second'],
    ['a slip of the pen', { ...LIMIT, max_concurent: 1 }, '/limits/0/max_concurent is not known here: a limit has id'],
    ['a text', 'ocr: 4', '/limits/0 must be an object {id, capability, max_concurrent, …}, not "ocr: 4"'],
  ])('with %s is refused', (_, limit, said) => {
    expect(errorsOf(limit)).toEqual([expect.stringContaining(said)]);
  });

  test('has an id of its own, which a rule may have, too', () => {
    expect(errorsOf(LIMIT, { ...LIMIT })).toEqual(['/limits/1/id must be unique: "gpus" is also the id of /limits/0']);
    const rule = { id: 'gpus', type: 'safety_level', action: 'warn' };
    expect(parsePolicy({ version: 1, rules: [rule], limits: [LIMIT] })).toHaveProperty('policy');
  });

  test('stands in a list that is not too long', () => {
    expect(parsePolicy({ version: 1, rules: [], limits: {} })).toMatchObject({
      errors: [{ path: '/limits', message: 'must be an array of at most 100 limits, not an object' }],
    });
    const many = Array.from({ length: 101 }, (_, n) => ({ ...LIMIT, id: `l${n}` }));
    expect(errorsOf(...many)).toEqual(['/limits must be an array of at most 100 limits, not 101 of them']);
    expect(errorsOf(...many.slice(1))).toEqual([]);
  });
});

test('a policy without limits is kept as it was written', () => {
  const parsed = parsePolicy({ version: 1, rules: [] });
  expect(parsed).toEqual({ policy: expect.objectContaining({ document: { version: 1, rules: [] }, limits: [] }) });
});

test('a bucket fills until it is full, and a clock that goes back neither gives nor takes', () => {
  const rate = { perSecond: 2, burst: 3 };
  expect(leftIn(null, rate, 5000)).toBe(3);
  const bucket = { tokens: 0, at: 1000 };
  expect([1000, 1500, 2000, 9000, 0].map((now) => leftIn(bucket, rate, now))).toEqual([0, 1, 2, 3, 0]);
  expect(leftIn({ tokens: 10, at: 0 }, rate, 0)).toBe(3);
});

test('whoever comes back when told to finds a whole token', () => {
  for (const perSecond of [0.1, 0.3, 1, 3, 7, 1000]) {
    for (const tokens of [0, 0.1, 0.7, 0.999]) {
      const wait = waitForToken(tokens, { perSecond, burst: 1 });
      expect(startsFor(leftIn({ tokens, at: 0 }, { perSecond, burst: 9 }, wait))).toBeGreaterThan(0);
    }
  }
});
