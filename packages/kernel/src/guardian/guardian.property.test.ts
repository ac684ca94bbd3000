/** The guardian judges whatever it is given, and never falls over it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../core/json.ts';
import type { RuleTypes } from '../core/rule-types.ts';
import { type TaskSpec, toSpec } from '../core/task.ts';
import { DEFAULT_POLICY } from './default-policy.ts';
import { evaluate } from './evaluate.ts';
import { parsePolicy } from './parse.ts';
import type { Action, Policy, Violation } from './policy.ts';

const json = fc.jsonValue() as fc.Arbitrary<Json>;
const name = fc.constantFrom(
  'max_tokens',
  'tokens',
  'safety_level',
  'capability',
  'capabilities',
  '__proto__',
  'constructor',
  'x',
);
const object = fc.dictionary(fc.oneof(name, fc.string()), json) as fc.Arbitrary<JsonObject>;

const spec: fc.Arbitrary<TaskSpec> = fc
  .record({
    description: fc.oneof(fc.string({ minLength: 1, unit: 'binary' }), fc.constantFrom('rm -rf /', 'drop table t')),
    payload: json,
    constraints: object,
    requirements: object,
    tags: fc.array(fc.string()),
    created_by: fc.string(),
    priority: fc.nat(10),
    timeout_seconds: fc.integer({ min: 1, max: 10_000 }),
  })
  .map((input) => toSpec(input, '', 0));

const action = fc.constantFrom<Action>('reject', 'require_approval', 'warn');
const list = fc.array(fc.constantFrom('x', 'y', 'ann'), { minLength: 1, maxLength: 3 });
const options = fc.oneof(
  fc.record({
    type: fc.constant('prohibited_pattern'),
    patterns: fc.array(fc.constantFrom('rm', 'x.*y', '\\bdrop', '"'), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('resource_limit'), max_tokens: fc.nat(), max_payload_bytes: fc.nat(50) }),
  fc.record({ type: fc.constant('safety_level') }),
  fc.record({ type: fc.constant('requirement'), allow_tags: list, deny_submitters: list, allow_capabilities: list }),
  fc.record({ type: fc.constant('mine'), answer: json }),
);
const types: RuleTypes = {
  mine: {
    parse:
      ({ answer }) =>
      (): string | null => {
        if (typeof answer === 'number') throw answer;
        return answer as string | null;
      },
  },
};
const policy: fc.Arbitrary<Policy> = fc.array(fc.record({ action, options }), { maxLength: 6 }).map((rules) => {
  const documents = rules.map((rule, index) => ({ id: `r${index}`, action: rule.action, ...rule.options }));
  const parsed = parsePolicy({ version: 1, rules: documents }, types);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.policy;
});

describe('a judgement', () => {
  test('is made of every task, and the strictest of the violated rules decides it', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(policy, spec, (rules, task) => {
        const { verdict, violations } = evaluate(rules, { spec: task, json: JSON.stringify(task) });
        const has = (one: Action) => violations.some((violation: Violation) => violation.action === one);
        const expected = has('reject') ? 'reject' : has('require_approval') ? 'require_approval' : 'approve';
        expect(verdict).toBe(expected);
        seen.add(violations.length === 0 ? 'nothing' : verdict);
        for (const violation of violations) {
          const rule = rules.rules.find(({ id }) => id === violation.rule);
          expect(rule?.action).toBe(violation.action);
          expect(violation.message.length).toBeLessThanOrEqual(501);
        }
      }),
      { numRuns: 1000 },
    );
    expect([...seen].sort()).toEqual(['approve', 'nothing', 'reject', 'require_approval']);
  });

  test('is the same however often it is made', () => {
    fc.assert(
      fc.property(policy, spec, (rules, task) => {
        const subject = { spec: task, json: JSON.stringify(task) };
        expect(evaluate(rules, subject)).toEqual(evaluate(rules, subject));
      }),
    );
  });
});

describe('a policy', () => {
  test('is read or refused with reasons, whatever JSON it is', () => {
    const types = fc.constantFrom('prohibited_pattern', 'resource_limit', 'safety_level', 'rate_limit', 'requirement');
    const members = fc.constantFrom(
      'patterns',
      'levels',
      'max_tokens',
      'per_second',
      'burst',
      'deny_tags',
      'description',
    );
    const rule = fc
      .tuple(
        fc.record({ id: fc.oneof(fc.string(), json), type: types, action: fc.oneof(action, json) }),
        fc.dictionary(members, json),
      )
      .map(([base, more]) => ({ ...more, ...base }));
    const shaped = fc.record({
      version: fc.oneof(fc.integer(), json),
      rules: fc.array(fc.oneof(rule, json), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(fc.oneof(json, shaped), (value) => {
        const parsed = parsePolicy(value);
        if (!('errors' in parsed)) return;
        expect(parsed.errors.length).toBeGreaterThan(0);
        for (const { path, message } of parsed.errors) {
          expect(path).toMatch(/^(\/.*)?$/s);
          expect(message).toMatch(/\w/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('takes any text for a pattern, or says what is wrong with it', () => {
    const sign = fc.constantFrom(...'ab(){}[]*+?|\\.^$-,19:=!<>PpiLdDsSwWbBAzZQEx"\ud800😀ß');
    fc.assert(
      fc.property(
        fc.array(sign, { minLength: 1, maxLength: 20 }).map((signs) => signs.join('')),
        (pattern) => {
          const rule = { id: 'a', type: 'prohibited_pattern', action: 'warn', patterns: [pattern] };
          const parsed = parsePolicy({ version: 1, rules: [rule] });
          if ('errors' in parsed) expect(parsed.errors[0]?.path).toBe('/rules/0/patterns/0');
          else {
            const spec = toSpec({ description: pattern }, '', 0);
            evaluate(parsed.policy, { spec, json: JSON.stringify(spec) });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('survives being written down', () => {
    const parsed = parsePolicy(JSON.parse(JSON.stringify(DEFAULT_POLICY)));
    expect(parsed).toMatchObject({ policy: { document: DEFAULT_POLICY } });
  });
});
