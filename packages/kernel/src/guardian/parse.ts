import type { FieldError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { RuleTypes } from '../core/rule-types.ts';
import { type Limit, MAX_LIMITS, readLimit } from './limits.ts';
import { Members } from './members.ts';
import { charactersInClasses } from './patterns/classes.ts';
import { PatternSet } from './patterns/pattern-set.ts';
import { MAX_PATTERN_LENGTH, type Pattern, readingWork, readPattern } from './patterns/sources.ts';
import { ACTIONS, type Action, type ParsedRule, type Policy, type RateLimit, type Rule } from './policy.ts';
import { cut, shown } from './quote.ts';
import { customRule } from './rules/custom.ts';
import { MAX_PATTERNS, MAX_TOTAL_CHARACTERS, MAX_TOTAL_SIZE, prohibitedPattern } from './rules/prohibited-pattern.ts';
import { rateLimit } from './rules/rate-limit.ts';
import { requirement } from './rules/requirement.ts';
import { resourceLimit } from './rules/resource-limit.ts';
import { safetyLevel } from './rules/safety-level.ts';

export const MAX_RULES = 200;
/** Whoever wrote a policy needs to see some of what is wrong with it, not all. */
const MAX_ERRORS = 100;

type RuleParser = (members: Members) => ParsedRule | null;

const BUILT_IN: ReadonlyMap<string, RuleParser> = new Map([
  ['prohibited_pattern', prohibitedPattern],
  ['resource_limit', resourceLimit],
  ['safety_level', safetyLevel],
  ['rate_limit', rateLimit],
  ['requirement', requirement],
]);

export type ParsedPolicy = { readonly policy: Policy } | { readonly errors: readonly FieldError[] };

/**
 * Reads a policy as JSON has it. Never throws.
 * @param types what an operator's own modules bring beside the built-in types
 * @returns the policy, or all that is wrong with it, each with a JSON pointer and what is allowed there
 */
export function parsePolicy(value: unknown, types: RuleTypes = {}): ParsedPolicy {
  const parser = new Parser(types);
  const policy = parser.policy(value);
  return policy && parser.errors.length === 0 ? { policy } : { errors: parser.errors.slice(0, MAX_ERRORS) };
}

/**
 * Reads the patterns of a policy one by one, whatever it is, so that `parsePolicy` finds them read.
 * @returns after each what work it was, in about the time it takes to search a character
 */
export function* readAhead(value: unknown): Generator<number, void> {
  let size = 0;
  let characters = 0;
  for (const source of patternsIn(value)) {
    const own = charactersInClasses(source);
    characters += own;
    if (characters > MAX_TOTAL_CHARACTERS) return;
    try {
      size += readPattern(source).program.size;
    } catch {
      size++;
    }
    yield readingWork(source, own);
    if (size > MAX_TOTAL_SIZE) return;
  }
}

function* patternsIn(value: unknown): Generator<string, void> {
  const rules: unknown = isObject(value) && Object.hasOwn(value, 'rules') ? (value as { rules: unknown }).rules : null;
  let left = MAX_PATTERNS;
  for (const rule of Array.isArray(rules) ? rules.slice(0, MAX_RULES) : []) {
    const { type, patterns } = (isObject(rule) ? rule : {}) as { type?: unknown; patterns?: unknown };
    if (type !== 'prohibited_pattern' || !Array.isArray(patterns)) continue;
    for (const source of patterns) {
      if (--left < 0) return;
      if (typeof source === 'string' && source.length <= MAX_PATTERN_LENGTH) yield source;
    }
  }
}

class Parser {
  readonly errors: FieldError[] = [];
  readonly #types: Map<string, RuleParser>;
  readonly #ids = new Map<string, number>();
  readonly #rules: Rule[] = [];
  readonly #rateLimits: RateLimit[] = [];
  readonly #limits: Limit[] = [];
  readonly #patterns: Pattern[] = [];
  #characters = 0;

  constructor(types: RuleTypes) {
    const custom = Object.entries(types);
    const parsers = custom.map(([name, type]): [string, RuleParser] => [name, (members) => customRule(members, type)]);
    // A name of the contract keeps its meaning.
    this.#types = new Map([...parsers, ...BUILT_IN]);
    for (const [name] of custom) {
      if (BUILT_IN.has(name)) this.#fail('', `cannot be read: a custom rule type is called ${name}, which is built in`);
    }
  }

  policy(value: unknown): Policy | null {
    if (!isObject(value)) return this.#fail('', `must be an object {version, rules, limits}, not ${shown(value)}`);
    const members = new Members(value, '');
    const version = members.number('version', 'a whole number from 1', (one) => Number.isSafeInteger(one) && one >= 1);
    const rules = members.take('rules');
    const limits = members.take('limits');
    members.finish('a policy has version, rules and limits');
    this.errors.push(...members.errors);
    if (!Array.isArray(rules) || rules.length > MAX_RULES) {
      const found = Array.isArray(rules) ? `${rules.length} of them` : rules === undefined ? 'nothing' : shown(rules);
      return this.#fail('/rules', `must be an array of at most ${MAX_RULES} rules, not ${found}`);
    }
    for (const [index, rule] of rules.entries()) {
      if (!this.#rule(rule, index)) break;
    }
    if (limits !== undefined) this.#readLimits(limits);
    if (this.errors.length > 0) return null;
    return {
      document: { version: version!, rules, ...(limits === undefined ? {} : { limits: limits as JsonObject[] }) },
      rules: this.#rules,
      patterns: this.#patterns.length === 0 ? null : PatternSet.of(this.#patterns),
      rateLimits: this.#rateLimits,
      limits: this.#limits,
    };
  }

  #readLimits(value: unknown): void {
    if (!Array.isArray(value) || value.length > MAX_LIMITS) {
      const found = Array.isArray(value) ? `${value.length} of them` : shown(value);
      this.#fail('/limits', `must be an array of at most ${MAX_LIMITS} limits, not ${found}`);
      return;
    }
    const ids = new Map<string, number>();
    for (const [index, one] of value.entries()) {
      if (this.errors.length >= MAX_ERRORS) return;
      this.#limit(one, index, ids);
    }
  }

  #limit(value: unknown, index: number, ids: Map<string, number>): void {
    const path = `/limits/${index}`;
    if (!isObject(value)) {
      this.#fail(path, `must be an object {id, capability, max_concurrent, …}, not ${shown(value)}`);
      return;
    }
    const members = new Members(value, path);
    const id = members.text('id', WHAT_IDS_ARE, (one) => ID.test(one));
    this.#description(members);
    if (id !== undefined) {
      const other = ids.get(id);
      if (other === undefined) ids.set(id, index);
      else members.fail('id', `must be unique: ${shown(id)} is also the id of /limits/${other}`);
    }
    const limit = readLimit(members, id ?? '');
    this.errors.push(...members.errors);
    if (limit) this.#limits.push(limit);
  }

  /** @returns false when there is no point in reading the rules after this one */
  #rule(value: unknown, index: number): boolean {
    const path = `/rules/${index}`;
    if (!isObject(value)) {
      this.#fail(path, `must be an object {id, type, action, …}, not ${shown(value)}`);
      return true;
    }
    const members = new Members(value, path);
    const id = members.text('id', WHAT_IDS_ARE, (one) => ID.test(one));
    const types = `one of ${[...this.#types.keys()].sort().join(', ')}`;
    const type = members.text('type', types, (one) => this.#types.has(one));
    const actions: readonly Action[] = type === 'rate_limit' ? ['reject'] : ACTIONS;
    const allowed = actions.length === 1 ? 'reject: what is over the limit is refused' : `one of ${actions.join(', ')}`;
    const action = members.text('action', allowed, (one) => actions.includes(one as Action));
    this.#description(members);
    if (id !== undefined) this.#unique(id, index, members);
    const parsed = type === undefined ? null : this.#types.get(type)!(members);
    this.errors.push(...members.errors);
    if (parsed) this.#keep(id ?? '', (action ?? 'reject') as Action, parsed);
    return this.#withinBounds() && !members.hopeless && this.errors.length < MAX_ERRORS;
  }

  #description(members: Members): void {
    if (members.take('description') === undefined) return;
    const allowed = `a text of at most ${MAX_DESCRIPTION} characters`;
    members.text('description', allowed, (one) => one.length <= MAX_DESCRIPTION);
  }

  #unique(id: string, index: number, members: Members): void {
    const other = this.#ids.get(id);
    if (other === undefined) this.#ids.set(id, index);
    else members.fail('id', `must be unique: ${shown(id)} is also the id of /rules/${other}`);
  }

  #keep(id: string, action: Action, { check, patterns = [], characters = 0, rateLimit: limit }: ParsedRule) {
    if (limit) this.#rateLimits.push({ rule: id, ...limit });
    else
      this.#rules.push({
        id,
        action,
        check: check ?? null,
        patterns: patterns.map(({ source }) => source),
        firstPattern: this.#patterns.length,
      });
    this.#patterns.push(...patterns);
    this.#characters += characters;
  }

  #withinBounds(): boolean {
    const size = this.#patterns.reduce((sum, { program }) => sum + program.size, 0);
    if (this.#patterns.length > MAX_PATTERNS) {
      this.#fail('/rules', `have more than ${MAX_PATTERNS} patterns together; that is the most a policy may have`);
    } else if (size > MAX_TOTAL_SIZE) {
      this.#fail(
        '/rules',
        `have patterns that compile to more than ${MAX_TOTAL_SIZE} instructions and ranges of characters together; use fewer or simpler ones`,
      );
    } else if (this.#characters > MAX_TOTAL_CHARACTERS) {
      this.#fail(
        '/rules',
        `have patterns whose classes have more than ${MAX_TOTAL_CHARACTERS} characters together; use fewer or narrower ranges and properties`,
      );
    } else {
      return true;
    }
    return false;
  }

  #fail(path: string, message: string): null {
    this.errors.push({ path, message: cut(message, 1000) });
    return null;
  }
}

const WHAT_IDS_ARE = '1 to 64 letters, digits, dots, dashes or underscores';
const ID = /^[\w.-]{1,64}$/;
const MAX_DESCRIPTION = 500;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
