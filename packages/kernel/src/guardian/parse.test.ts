/** What is wrong with a policy, and how it is said. */
import { describe, expect, test } from 'vitest';
import type { FieldError } from '../core/errors.ts';
import type { RuleTypes } from '../core/rule-types.ts';
import { DEFAULT_POLICY } from './default-policy.ts';
import { MAX_RULES, parsePolicy } from './parse.ts';

function errorsOf(policy: unknown, types?: RuleTypes): readonly FieldError[] {
  const parsed = parsePolicy(policy, types);
  return 'errors' in parsed ? parsed.errors : [];
}

/** The errors of a policy with this one rule, with what every rule needs filled in. */
function errorsOfRule(rule: object, types?: RuleTypes): readonly FieldError[] {
  return errorsOf({ version: 1, rules: [{ id: 'a', type: 'safety_level', action: 'warn', ...rule }] }, types);
}

const pattern = (...patterns: unknown[]) => ({ type: 'prohibited_pattern', patterns });

type Row = readonly [sentence: string, rule: object, path: string, message: RegExp];

const RULES: readonly Row[] = [
  ['an id is needed', { id: undefined }, '/rules/0/id', /^is required: 1 to 64 letters/],
  ['an id is not just any text', { id: 'a b' }, '/rules/0/id', /^must be 1 to 64 letters, .*, not "a b"$/],
  [
    'a type must be known',
    { type: 'regex' },
    '/rules/0/type',
    /^must be one of prohibited_pattern, rate_limit, requirement, resource_limit, safety_level, not "regex"$/,
  ],
  [
    'an action must be known',
    { action: 'deny' },
    '/rules/0/action',
    /^must be one of reject, require_approval, warn, not "deny"$/,
  ],
  [
    'a description is a text',
    { description: 1 },
    '/rules/0/description',
    /^must be a text of at most 500 characters, not 1$/,
  ],
  [
    'a slip of the pen is found',
    { level: ['high'] },
    '/rules/0/level',
    /^is not known here: a safety_level has levels, beside id/,
  ],
  [
    'a level must be known',
    { levels: ['high', 'huge'] },
    '/rules/0/levels/1',
    /^must be one of low, medium, high, critical, not "huge"$/,
  ],
  ['levels are an array', { levels: 'high' }, '/rules/0/levels', /^must be an array of 1 to 4 items, not "high"$/],
  ['an empty list says nothing', { levels: [] }, '/rules/0/levels', /^must be an array of 1 to 4 items, not 0 items$/],
  [
    'patterns are needed',
    { type: 'prohibited_pattern' },
    '/rules/0/patterns',
    /^is required: an array of regular expressions$/,
  ],
  [
    'a pattern is a text',
    pattern('a', 1),
    '/rules/0/patterns/1',
    /^must be a regular expression of 1 to 500 characters, not 1$/,
  ],
  [
    'a pattern must be complete',
    pattern('a', '(b'),
    '/rules/0/patterns/1',
    /^is not a regular expression .* missing closing \): `\(b`$/,
  ],
  ['what needs backtracking is not understood', pattern('(?=a)'), '/rules/0/patterns/0', /RE2's syntax.*`\(\?=`/],
  ['neither are back references', pattern('(a)\\1'), '/rules/0/patterns/0', /invalid escape sequence: `\\1`/],
  [
    'a pattern that every text matches is a mistake',
    pattern('a*'),
    '/rules/0/patterns/0',
    /^matches the empty text, and so would match in every task$/,
  ],
  [
    'a pattern may not be long',
    pattern('a'.repeat(501)),
    '/rules/0/patterns/0',
    /^must be a regular expression of 1 to 500 characters, not "a{40}…"$/,
  ],
  [
    'a pattern may not become large',
    pattern('(?:abcdefgh){1000}'),
    '/rules/0/patterns/0',
    /^is too large: it compiles to 8\d\d\d instructions; at most 1000 are allowed/,
  ],
  [
    'its classes may not be wide',
    pattern('[B-\\x{1e900}]'.repeat(3)),
    '/rules/0/patterns/0',
    /^is too large: its classes have about 37\d\d\d\d characters; at most 250000 are allowed/,
  ],
  ['counts may not multiply', pattern('((a{1,30}){1,30}){1,30}'), '/rules/0/patterns/0', /invalid repeat count/],
  [
    'a limit is a number',
    { type: 'resource_limit', max_tokens: '9' },
    '/rules/0/max_tokens',
    /^must be a number from 0, not "9"$/,
  ],
  [
    'a limit is not negative',
    { type: 'resource_limit', max_tokens: -1 },
    '/rules/0/max_tokens',
    /^must be a number from 0, not -1$/,
  ],
  [
    'a limit is called max_…',
    { type: 'resource_limit', max_x: 1, tokens: 2 },
    '/rules/0/tokens',
    /^is not known here: a resource_limit has at most 50 limits such as max_tokens/,
  ],
  ['a resource_limit has limits', { type: 'resource_limit' }, '/rules/0', /^needs at least one limit/],
  [
    'a rate is needed',
    { type: 'rate_limit', action: 'reject', burst: 1 },
    '/rules/0/per_second',
    /^is required: a number over 0/,
  ],
  [
    'a burst is whole',
    { type: 'rate_limit', action: 'reject', per_second: 1, burst: 0.5 },
    '/rules/0/burst',
    /^must be a whole number from 1 to 1000000, not 0.5$/,
  ],
  [
    'a rate_limit only refuses',
    { type: 'rate_limit', per_second: 1, burst: 1 },
    '/rules/0/action',
    /^must be reject: what is over the limit is refused, not "warn"$/,
  ],
  [
    'a requirement requires something',
    { type: 'requirement' },
    '/rules/0',
    /^needs at least one of allow_capabilities, deny_capabilities, allow_tags/,
  ],
  [
    'a requirement lists texts',
    { type: 'requirement', deny_tags: ['a', 2] },
    '/rules/0/deny_tags/1',
    /^must be a text of 1 to 200 characters, not 2$/,
  ],
  [
    'a requirement knows its lists',
    { type: 'requirement', allowed_tags: ['a'] },
    '/rules/0/allowed_tags',
    /^is not known here: a requirement has allow_capabilities/,
  ],
  ['names with slashes are pointed at', { 'a/b': 1 }, '/rules/0/a~1b', /^is not known here/],
];

describe('a rule', () => {
  test.each(RULES)('%s', (_, rule, path, message) => {
    expect(errorsOfRule(rule)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });

  test('is told all that is wrong with it at once', () => {
    const errors = errorsOfRule({ id: '', type: 'prohibited_pattern', action: 'no', patterns: ['(', ')'], more: 1 });
    expect(errors.map(({ path }) => path)).toEqual([
      '/rules/0/id',
      '/rules/0/action',
      '/rules/0/more',
      '/rules/0/patterns/0',
      '/rules/0/patterns/1',
    ]);
  });
});

describe('a policy', () => {
  test('is an object with a version and rules', () => {
    expect(errorsOf(null)).toEqual([{ path: '', message: 'must be an object {version, rules, limits}, not null' }]);
    expect(errorsOf([])).toEqual([{ path: '', message: 'must be an object {version, rules, limits}, not an array' }]);
    expect(errorsOf({ rule: [] })).toEqual([
      { path: '/version', message: 'is required: a whole number from 1' },
      { path: '/rule', message: 'is not known here: a policy has version, rules and limits' },
      { path: '/rules', message: 'must be an array of at most 200 rules, not nothing' },
    ]);
    expect(errorsOf({ version: 0, rules: ['a'] })).toEqual([
      { path: '/version', message: 'must be a whole number from 1, not 0' },
      { path: '/rules/0', message: 'must be an object {id, type, action, …}, not "a"' },
    ]);
  });

  test('may have no rules', () => {
    expect(parsePolicy({ version: 3, rules: [] })).toMatchObject({ policy: { document: { version: 3, rules: [] } } });
  });

  test('is kept as it was written', () => {
    expect(parsePolicy(DEFAULT_POLICY)).toMatchObject({ policy: { document: DEFAULT_POLICY } });
  });

  test('names each rule once', () => {
    const rule = { id: 'a', type: 'safety_level', action: 'warn' };
    expect(errorsOf({ version: 1, rules: [rule, { ...rule, id: 'b' }, rule] })).toEqual([
      { path: '/rules/2/id', message: 'must be unique: "a" is also the id of /rules/0' },
    ]);
  });

  test('has bounds', () => {
    const rules = (count: number, more: (index: number) => object) =>
      Array.from({ length: count }, (_, index) => ({
        id: `r${index}`,
        type: 'prohibited_pattern',
        action: 'warn',
        ...more(index),
      }));
    const tooMany = rules(MAX_RULES + 1, () => ({ patterns: ['a'] }));
    expect(errorsOf({ version: 1, rules: tooMany })).toEqual([
      { path: '/rules', message: 'must be an array of at most 200 rules, not 201 of them' },
    ]);
    const manyPatterns = rules(6, (index) => ({ patterns: Array.from({ length: 99 }, (_, i) => `x${index}y${i}`) }));
    expect(errorsOf({ version: 1, rules: manyPatterns })).toEqual([
      { path: '/rules', message: expect.stringMatching(/^have more than 500 patterns together/) },
    ]);
    const largePatterns = rules(12, () => ({ patterns: ['[a-f]{900}'] }));
    expect(errorsOf({ version: 1, rules: largePatterns })).toEqual([
      {
        path: '/rules',
        message: expect.stringMatching(/^have patterns that compile to more than 20000 instructions and ranges/),
      },
    ]);
  });

  test('reads no further once a pattern is too large: to find that out takes long', () => {
    const huge = { type: 'prohibited_pattern', action: 'warn', patterns: [`(?:${'ab'.repeat(240)}){1000}`, '('] };
    expect(
      errorsOf({
        version: 1,
        rules: [
          { id: 'a', ...huge },
          { id: 'b', ...huge },
        ],
      }),
    ).toHaveLength(1);
  });

  test('does not repeat at length what it objects to', () => {
    for (const { path, message } of errorsOf({
      version: 1,
      rules: [{ ['k'.repeat(5000)]: 1, id: 'x'.repeat(5000) }],
    })) {
      expect(path.length + message.length).toBeLessThan(500);
    }
  });
});

describe('a type of an operator', () => {
  const types: RuleTypes = {
    shy: {
      parse({ tag }) {
        if (typeof tag !== 'string') throw new Error('tag must be a text');
        return (task) => (task.tags.includes(tag) ? `Not with ${tag}.` : null);
      },
    },
    odd: { parse: () => 'nothing' as never },
  };

  test('is a type like the others', () => {
    expect(errorsOfRule({ type: 'shy', tag: 'x', description: 'Hides' }, types)).toEqual([]);
    expect(errorsOfRule({ type: 'lost' }, types)).toEqual([
      {
        path: '/rules/0/type',
        message: expect.stringMatching(/^must be one of odd, prohibited_pattern, .*, shy, not "lost"$/),
      },
    ]);
  });

  test('reads its own members', () => {
    expect(errorsOfRule({ type: 'shy' }, types)).toEqual([
      { path: '/rules/0', message: 'is not accepted by its type: tag must be a text' },
    ]);
    expect(errorsOfRule({ type: 'odd' }, types)).toEqual([
      { path: '/rules/0', message: 'cannot be used: parse of its type returned no function' },
    ]);
  });

  test('does not take the place of a built-in one', () => {
    expect(errorsOfRule({}, { safety_level: types.shy! })).toEqual([
      { path: '', message: 'cannot be read: a custom rule type is called safety_level, which is built in' },
    ]);
  });
});
