/** What each type of rule objects to, a sentence a row. */
import { describe, expect, test } from 'vitest';
import type { RuleTypes } from '../../core/rule-types.ts';
import { type TaskInput, toSpec } from '../../core/task.ts';
import { Random } from '../../testing/random.ts';
import { evaluate } from '../evaluate.ts';
import { parsePolicy } from '../parse.ts';
import type { Judgement, Policy } from '../policy.ts';

function policyOf(rules: readonly object[], types?: RuleTypes): Policy {
  const documents = rules.map((rule, index) => ({ id: `r${index}`, action: 'reject', ...rule }));
  const parsed = parsePolicy({ version: 1, rules: documents }, types);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.policy;
}

function judge(rules: readonly object[], input: Partial<TaskInput>, types?: RuleTypes): Judgement {
  const spec = toSpec({ description: '-', ...input }, 'ann', 0);
  return evaluate(policyOf(rules, types), { spec, json: JSON.stringify(spec) });
}

/** What one rule says of a task. */
function said(rule: object, input: Partial<TaskInput>, types?: RuleTypes): string[] {
  return judge([rule], input, types).violations.map(({ message }) => message);
}

type Row = readonly [sentence: string, rule: object, input: Partial<TaskInput>, messages: string[]];

const tokens = { type: 'resource_limit', max_tokens: 10 };
const timeout = { type: 'resource_limit', max_timeout_seconds: 60 };
const bytes = { type: 'resource_limit', max_payload_bytes: 10 };

const LIMITS: readonly Row[] = [
  ['what says nothing of tokens may pass', tokens, {}, []],
  ['as many as allowed are fine', tokens, { constraints: { max_tokens: 10 } }, []],
  [
    'more are not',
    tokens,
    { constraints: { max_tokens: 11 } },
    ['constraints.max_tokens is 11; the most allowed is 10.'],
  ],
  ['by either name', tokens, { constraints: { tokens: 11 } }, ['constraints.tokens is 11; the most allowed is 10.']],
  ['null is nothing', tokens, { constraints: { max_tokens: null } }, []],
  [
    'what is no number cannot be compared',
    tokens,
    { constraints: { tokens: '9' } },
    ['constraints.tokens is "9"; it must be a number to be held against the limit of 10.'],
  ],
  ['the timeout is a field', timeout, { timeout_seconds: 61 }, ['timeout_seconds is 61; the most allowed is 60.']],
  ['the default timeout counts, too', timeout, {}, ['timeout_seconds is 300; the most allowed is 60.']],
  [
    'retries are a field',
    { type: 'resource_limit', max_retries: 1 },
    { max_retries: 2 },
    ['max_retries is 2; the most allowed is 1.'],
  ],
  [
    'priority is a field',
    { type: 'resource_limit', max_priority: 8 },
    { priority: 9 },
    ['priority is 9; the most allowed is 8.'],
  ],
  ['names of every object are nothing special', { type: 'resource_limit', max_constructor: 1 }, {}, []],
  ['a small payload is fine', bytes, { payload: 'abcdefgh' }, []],
  [
    'a payload is measured in bytes of JSON',
    bytes,
    { payload: 'äöüäö' },
    ['payload has 12 bytes of JSON; the most allowed is 10.'],
  ],
];

const level = { type: 'safety_level' };
const LEVELS: readonly Row[] = [
  ['no level is fine', level, {}, []],
  ['high is not critical', level, { constraints: { safety_level: 'high' } }, []],
  ['critical is', level, { constraints: { safety_level: 'critical' } }, ['constraints.safety_level is critical.']],
  ['in any case', level, { constraints: { safety_level: ' CRITICAL' } }, ['constraints.safety_level is critical.']],
  [
    'other levels can be named',
    { ...level, levels: ['high', 'critical'] },
    { constraints: { safety_level: 'high' } },
    ['constraints.safety_level is high.'],
  ],
  [
    'an unknown level may be meant to be the highest',
    level,
    { constraints: { safety_level: 'extreme' } },
    ['constraints.safety_level is "extreme", which is not one of low, medium, high, critical.'],
  ],
  [
    'so may a number',
    level,
    { constraints: { safety_level: 5 } },
    ['constraints.safety_level is 5, which is not one of low, medium, high, critical.'],
  ],
];

const only = { type: 'requirement', allow_capabilities: ['ocr', 'resize'] };
const never = { type: 'requirement', deny_capabilities: ['shell'] };
const REQUIREMENTS: readonly Row[] = [
  ['who needs nothing needs nothing forbidden', only, {}, []],
  ['what is listed is allowed', only, { requirements: { capability: 'ocr', capabilities: ['resize'] } }, []],
  [
    'what is not listed is not',
    only,
    { requirements: { capabilities: ['ocr', 'fly'] } },
    ['requirements.capabilities has "fly", which is not in allow_capabilities of this rule.'],
  ],
  [
    'what is no text is not listed',
    only,
    { requirements: { capability: { a: 1 } } },
    ['requirements.capability has an object, which is not in allow_capabilities of this rule.'],
  ],
  [
    'what is denied is denied',
    never,
    { requirements: { capability: 'shell' } },
    ['requirements.capability has "shell", which is in deny_capabilities of this rule.'],
  ],
  ['everything else is not', never, { requirements: { capability: 'ocr' } }, []],
  [
    'tags are allowed',
    { type: 'requirement', allow_tags: ['a'] },
    { tags: ['a', 'b'] },
    ['tags has "b", which is not in allow_tags of this rule.'],
  ],
  [
    'tags are denied',
    { type: 'requirement', deny_tags: ['a'] },
    { tags: ['a', 'b'] },
    ['tags has "a", which is in deny_tags of this rule.'],
  ],
  [
    'submitters are allowed',
    { type: 'requirement', allow_submitters: ['bob'] },
    {},
    ['created_by has "ann", which is not in allow_submitters of this rule.'],
  ],
  [
    'submitters are denied',
    { type: 'requirement', deny_submitters: ['ann'] },
    {},
    ['created_by has "ann", which is in deny_submitters of this rule.'],
  ],
  [
    'so many that it takes long are too many',
    never,
    { requirements: { capabilities: Array(2000).fill('x') } },
    ['requirements.capabilities has more than 1000 items, too many to be held against deny_capabilities of this rule.'],
  ],
];

describe.each([
  ['resource_limit', LIMITS],
  ['safety_level', LEVELS],
  ['requirement', REQUIREMENTS],
] as const)('%s:', (_, rows) => {
  test.each(rows)('%s', (_sentence, rule, input, messages) => {
    expect(said(rule, input)).toEqual(messages);
  });
});

describe('prohibited_pattern:', () => {
  const rule = { type: 'prohibited_pattern', patterns: ['secret', '^plan$', 'b.d'] };

  test('case does not matter, unless the pattern says so', () => {
    expect(said(rule, { description: 'SECRET' })).toHaveLength(1);
    expect(said({ ...rule, patterns: ['(?-i:secret)'] }, { description: 'SECRET' })).toEqual([]);
    expect(said({ ...rule, patterns: ['kiss'] }, { description: '\u212aIſS' })).toHaveLength(1);
  });

  test('each string is a text of its own', () => {
    expect(said(rule, { payload: ['a', 'plan'] })).toEqual([
      'The pattern /^plan$/ matches in /payload/1, up to character 4.',
    ]);
    expect(said(rule, { payload: ['pl', 'an'] })).toEqual([]);
    expect(said(rule, { payload: { plan: 1 } })).toEqual([
      'The pattern /^plan$/ matches in the name of /payload/plan, up to character 4.',
    ]);
  });

  test('what JSON escapes is seen as it is meant', () => {
    expect(
      said({ ...rule, patterns: ['a\\nb', 'c"d', 'e\\\\f', 'g\\x00h'] }, { payload: ['a\nb', 'c"d', 'e\\f', 'g\0h'] }),
    ).toEqual(["The pattern /a\\nb/ matches in /payload/0, up to character 3; 4 of the rule's patterns match."]);
  });

  test('a text that was escaped where it need not be is found, too', () => {
    const spec = toSpec({ description: 'secret' }, 'ann', 0);
    const json = JSON.stringify(spec).replace('secret', '\\u0073ecret');
    expect(evaluate(policyOf([rule]), { spec, json }).verdict).toBe('reject');
  });

  test('messages do not tell what was found, nor long names', () => {
    const [message] = said(
      { ...rule, patterns: ['AKIA\\w+'] },
      { payload: { ['n'.repeat(500)]: 'AKIAIOSFODNN7EXAMPLE' } },
    );
    expect(message).toBe(`The pattern /AKIA\\w+/ matches in /payload/${'n'.repeat(40)}…, up to character 5.`);
  });

  test('a task that cannot be searched within bounds violates the rules that want it searched', () => {
    const random = new Random(1);
    const noise = Array.from({ length: 400_000 }, () => random.pick(['a', 'b'])).join('');
    const rules = [
      { type: 'prohibited_pattern', patterns: ['[ab]*a[ab]{200}c'] },
      { type: 'prohibited_pattern', patterns: ['found'], action: 'require_approval' },
    ];
    const message =
      "The task is too large to be searched for this rule's patterns within bounds; the search ended in /payload/x.";
    expect(judge(rules, { description: 'found', payload: { x: `${noise}c` } })).toEqual({
      verdict: 'reject',
      violations: [
        { rule: 'r0', action: 'reject', message },
        {
          rule: 'r1',
          action: 'require_approval',
          message: 'The pattern /found/ matches in /description, up to character 5.',
        },
      ],
    });
  });
});

describe('a rule of an operator:', () => {
  const answering = (answer: () => unknown): RuleTypes => ({ own: { parse: () => answer as never } });
  const own = { type: 'own' };

  test('says what is wrong, or nothing', () => {
    expect(
      said(
        own,
        {},
        answering(() => 'Not today.'),
      ),
    ).toEqual(['Not today.']);
    expect(
      said(
        own,
        {},
        answering(() => null),
      ),
    ).toEqual([]);
    expect(
      said(
        own,
        {},
        answering(() => undefined),
      ),
    ).toEqual([]);
  });

  test('is given the task', () => {
    const types: RuleTypes = {
      own: {
        parse:
          ({ word }) =>
          (task) =>
            task.description === word ? 'Said it.' : null,
      },
    };
    expect(said({ ...own, word: 'ni' }, { description: 'ni' }, types)).toEqual(['Said it.']);
  });

  test('does not let a task pass when it fails', () => {
    const failing = answering(() => {
      throw new Error('no connection');
    });
    expect(said(own, {}, failing)).toEqual(['The rule itself failed, so it cannot let the task pass: no connection']);
    expect(
      said(
        own,
        {},
        answering(async () => null),
      ),
    ).toEqual(['The rule answered an object instead of a sentence or null, so it cannot let the task pass.']);
  });

  test('cannot fill the ledger', () => {
    expect(
      said(
        own,
        {},
        answering(() => 'x'.repeat(10_000)),
      )[0],
    ).toHaveLength(501);
  });
});

test('a rule says only so much of one task', () => {
  const tags = Array.from({ length: 32 }, (_, index) => `t${index}`);
  const messages = said({ type: 'requirement', allow_tags: ['a'] }, { tags });
  expect(messages).toHaveLength(5);
  expect(messages.at(-1)).toBe('The rule has 28 more objections.');
});
