import type { JsonObject } from '../../core/json.ts';
import type { RuleType } from '../../core/rule-types.ts';
import type { TaskSpec } from '../../core/task.ts';
import type { Members } from '../members.ts';
import type { ParsedRule, Subject } from '../policy.ts';
import { cut, shown } from '../quote.ts';

/** How much a rule of an operator's own may say. */
const MOST_SAID = 500;

export function customRule(members: Members, type: RuleType): ParsedRule | null {
  const options: JsonObject = {};
  for (const name of members.rest()) options[name] = members.take(name) as JsonObject[string];
  let check: unknown;
  try {
    check = type.parse(options);
  } catch (error) {
    members.failWhole(`is not accepted by its type: ${saidBy(error)}`);
    return null;
  }
  if (typeof check !== 'function') {
    members.failWhole('cannot be used: parse of its type returned no function');
    return null;
  }
  return { check: (subject) => ask(check as (task: TaskSpec) => unknown, subject) };
}

/** A rule that fails has not said that a task may pass. */
function ask(check: (task: TaskSpec) => unknown, { spec }: Subject): readonly string[] {
  let answer: unknown;
  try {
    answer = check(spec);
  } catch (error) {
    return [`The rule itself failed, so it cannot let the task pass: ${saidBy(error)}`];
  }
  if (answer === null || answer === undefined) return [];
  if (typeof answer === 'string') return [cut(answer, MOST_SAID)];
  return [`The rule answered ${shown(answer)} instead of a sentence or null, so it cannot let the task pass.`];
}

function saidBy(error: unknown): string {
  return cut(error instanceof Error ? error.message : shown(error), MOST_SAID);
}
