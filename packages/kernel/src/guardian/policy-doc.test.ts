/** Holds `docs/policy.md` against the code: its examples are accepted, and say what the page says they do. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { RuleTypes } from '../core/rule-types.ts';
import { toSpec } from '../core/task.ts';
import { evaluate } from './evaluate.ts';
import { MAX_RULES, parsePolicy } from './parse.ts';
import { SEARCH_BUDGET, SEARCHED_FIELDS } from './patterns/pattern-set.ts';
import { MAX_CHARACTERS, MAX_PATTERN_LENGTH } from './patterns/sources.ts';
import type { Policy } from './policy.ts';
import { MAX_PATTERNS, MAX_TOTAL_CHARACTERS, MAX_TOTAL_SIZE } from './rules/prohibited-pattern.ts';

const page = readFileSync(new URL('../../../../docs/policy.md', import.meta.url), 'utf8');

function blocks(language: string): string[] {
  const all = [...page.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return all.filter((block) => block[1] === language).map((block) => block[2]!);
}

const module = `data:text/javascript,${encodeURIComponent(blocks('js')[0]!)}`;
const { rules: types } = (await import(/* @vite-ignore */ module)) as { rules: RuleTypes };

function policyOf(example: string): Policy {
  const value = JSON.parse(example);
  const parsed = parsePolicy('rules' in value ? value : { version: 1, rules: [value] }, types);
  if ('errors' in parsed) throw new Error(`${example}: ${JSON.stringify(parsed.errors)}`);
  return parsed.policy;
}

function violated(policy: Policy, input: object): string[] {
  const spec = toSpec({ description: '-', ...input }, 'ann', 0);
  return evaluate(policy, { spec, json: JSON.stringify(spec) }).violations.map(({ rule }) => rule);
}

const examples = blocks('json').map(policyOf);
const example = (id: string) => examples.find(({ document }) => document.rules.some((rule) => rule.id === id))!;

test('every type has an example', () => {
  const shown = examples.flatMap(({ document }) => document.rules.map(({ type }) => type));
  for (const type of [
    'prohibited_pattern',
    'resource_limit',
    'safety_level',
    'requirement',
    'rate_limit',
    'quiet_tag',
  ]) {
    expect(shown).toContain(type);
  }
});

test('the examples object to what they are about', () => {
  const first = example('no-shell');
  expect(violated(first, { requirements: { capability: 'shell' } })).toEqual(['no-shell']);
  expect(violated(first, { payload: { text: 'My IBAN is' }, timeout_seconds: 900 })).toEqual(['payments', 'long']);
  expect(violated(example('keys'), { payload: ['-----BEGIN RSA PRIVATE KEY-----'] })).toEqual(['keys']);
  expect(violated(example('budget'), { constraints: { max_tokens: 5000 } })).toEqual(['budget']);
  expect(violated(example('careful'), { constraints: { safety_level: 'high' } })).toEqual(['careful']);
  expect(violated(example('who'), { tags: ['experimental'] })).toEqual(['who']);
  expect(violated(example('no-imports'), { tags: ['import'] })).toEqual(['no-imports']);
  expect(violated(example('no-imports'), {})).toEqual([]);
});

test('mistakes are told as shown', () => {
  const rules = [
    { id: 'a', type: 'prohibited_pattern', action: 'warn', patterns: ['a', '(b'] },
    { id: 'b', type: 'safety_level', action: 'warn', level: 'high' },
  ];
  const parsed = parsePolicy({ version: 1, rules });
  const errors = 'errors' in parsed ? parsed.errors : [];
  const shown = errors.map(({ path, message }) => `${path.padEnd(20)} ${message}\n`).join('');
  expect(blocks('').find((block) => block.startsWith('/rules'))).toBe(shown);
});

test('the bounds are those of the code', () => {
  const numbers = {
    MAX_RULES,
    MAX_PATTERNS,
    MAX_PATTERN_LENGTH,
    MAX_CHARACTERS,
    MAX_TOTAL_CHARACTERS,
    MAX_TOTAL_SIZE,
    SEARCH_BUDGET,
  };
  for (const [name, value] of Object.entries(numbers)) expect(page, name).toContain(value.toLocaleString('en'));
  for (const field of SEARCHED_FIELDS) expect(page).toContain(`\`${field}\``);
});
