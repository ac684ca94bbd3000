import type { Findings } from './patterns/pattern-set.ts';
import type { Action, Judgement, Policy, Rule, Subject, Violation } from './policy.ts';
import { ACTIONS } from './policy.ts';
import { messagesOf } from './rules/prohibited-pattern.ts';

/**
 * Judges a task. Rate limits are not looked at: see `takeTokens`. Never throws, and answers within bounds, whatever the
 * task is: a text that cannot be searched within them violates the rules that wanted it searched.
 */
export function evaluate(policy: Policy, task: Subject): Judgement {
  let violations: Violation[] | null = null;
  const findings = policy.patterns?.search(task.spec, task.json) ?? null;
  for (const rule of policy.rules) {
    const messages = rule.check ? rule.check(task) : findings ? patternMessages(rule, findings) : NONE;
    for (const message of limited(messages)) {
      violations ??= [];
      violations.push({ rule: rule.id, message, action: rule.action });
    }
  }
  return violations ? { verdict: strictest(violations), violations } : APPROVED;
}

const NONE: readonly string[] = [];
const APPROVED: Judgement = Object.freeze({ verdict: 'approve', violations: Object.freeze([]) });

/** What a rule has to say is kept with the task: enough to see what is wrong. */
function limited(messages: readonly string[]): readonly string[] {
  if (messages.length <= MOST_MESSAGES) return messages;
  const rest = messages.length - MOST_MESSAGES + 1;
  return [...messages.slice(0, MOST_MESSAGES - 1), `The rule has ${rest} more objections.`];
}

const MOST_MESSAGES = 5;

function patternMessages(rule: Rule, { hits, unsearched }: Findings): readonly string[] {
  if (hits.length === 0 && !unsearched) return NONE;
  const { patterns, firstPattern } = rule;
  const own = hits.filter(({ pattern }) => pattern >= firstPattern && pattern < firstPattern + patterns.length);
  return messagesOf(own, (pattern) => patterns[pattern - firstPattern]!, unsearched);
}

function strictest(violations: readonly Violation[]): Judgement['verdict'] {
  const action = ACTIONS.find((one: Action) => violations.some((violation) => violation.action === one))!;
  return action === 'warn' ? 'approve' : action;
}
