import { expect, test } from 'vitest';
import type { Judged } from '../../core/command.ts';
import { toSpec } from '../../core/task.ts';
import { parsePolicy } from '../../guardian/parse.ts';
import type { Policy, Subject } from '../../guardian/policy.ts';
import { foretell, judge } from './judging.ts';

function policyAgainst(tag: string): Policy {
  const rules = [{ id: 'tags', type: 'requirement', action: 'reject', deny_tags: [tag] }];
  return (parsePolicy({ version: 1, rules }) as { policy: Policy }).policy;
}

function subject(tag: string): Subject {
  const spec = toSpec({ description: '-', tags: [tag] }, '', 0);
  return { spec, json: JSON.stringify(spec) };
}

test('what was said ahead counts for the policy that said it, and for that task', () => {
  const [old, current] = [policyAgainst('red'), policyAgainst('blue')];
  const asked: Judged = {};
  foretell(asked, old, subject('red'));
  expect(judge(old, subject('red'), 'hash', asked)).toMatchObject({ verdict: 'reject', policy: old });
  expect(judge(current, subject('red'), 'hash', asked)).toMatchObject({ verdict: 'approve', policy: current });
  expect(judge(old, subject('blue'), 'hash', asked).verdict).toBe('approve');
});

test('it is not said a second time', () => {
  const policy = policyAgainst('red');
  const asked: Judged = {};
  foretell(asked, policy, subject('red'));
  const { foretold } = asked;
  expect(judge(policy, subject('red'), 'hash', asked).violations).toBe(
    (foretold as { judgement: { violations: unknown } }).judgement.violations,
  );
});
