import type { Json, JsonObject } from '../core/json.ts';
import type { TaskSpec } from '../core/task.ts';
import type { Limit } from './limits.ts';
import type { PatternSet } from './patterns/pattern-set.ts';
import type { Pattern } from './patterns/sources.ts';

/** What a rule does to a task that violates it, the strictest first. The strictest of all violated rules decides. */
export const ACTIONS = ['reject', 'require_approval', 'warn'] as const;
export type Action = (typeof ACTIONS)[number];

export type Verdict = 'approve' | 'reject' | 'require_approval';

/** A rule as it is written: beside these members, each type has its own. */
export interface RuleDocument {
  readonly id: string;
  readonly type: string;
  readonly action: Action;
  /** For people only. */
  readonly description?: string;
  readonly [option: string]: Json | undefined;
}

/** A policy as it is written, kept and shown. */
export interface PolicyDocument {
  readonly version: number;
  readonly rules: readonly RuleDocument[];
  readonly limits?: readonly JsonObject[];
}

/** A policy that can judge tasks. It never changes; what is shown of it is its document. */
export interface Policy {
  readonly document: PolicyDocument;
  /** In the order of the document. Rate limits are not among them: they count tasks rather than judge them. */
  readonly rules: readonly Rule[];
  /** The patterns of all rules together; null when there are none. */
  readonly patterns: PatternSet | null;
  readonly rateLimits: readonly RateLimit[];
  /** What may execute at once, and be started in a second. */
  readonly limits: readonly Limit[];
}

/** One rule that judges: by a check of its own, or by patterns that are searched for together with all others. */
export interface Rule {
  readonly id: string;
  readonly action: Action;
  readonly check: Check | null;
  /** The sources of this rule's patterns, and the number of the first of them within the policy. */
  readonly patterns: readonly string[];
  readonly firstPattern: number;
}

/** Finds what is wrong with a task, a sentence each. */
export type Check = (task: Subject) => readonly string[];

/** A task that is judged: what was asked for, and the same as the text that `JSON.stringify` makes of it. */
export interface Subject {
  readonly spec: TaskSpec;
  readonly json: string;
}

/** How many tasks a submitter may hand in: a bucket of `burst` tokens that fills by `perSecond`. */
export interface RateLimit {
  readonly rule: string;
  readonly perSecond: number;
  readonly burst: number;
}

export interface Violation {
  readonly rule: string;
  readonly message: string;
  readonly action: Action;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** In the order of the rules. */
  readonly violations: readonly Violation[];
}

/** What becomes of a rule when its policy is parsed. */
export interface ParsedRule {
  readonly check?: Check;
  readonly patterns?: readonly Pattern[];
  /** What there was to read in the patterns, also in those that are none: see `classes.ts`. */
  readonly characters?: number;
  readonly rateLimit?: Omit<RateLimit, 'rule'>;
}
