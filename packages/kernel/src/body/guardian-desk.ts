import type { GuardianRules } from '../core/command.ts';
import type { JsonObject } from '../core/json.ts';
import type { Store } from '../core/store.ts';
import { evaluate } from '../guardian/evaluate.ts';
import type { Policy, Subject, Verdict } from '../guardian/policy.ts';
import { policyOf } from './decide/policy.ts';

/** Answers what the guardian would say, without anything coming of it. */
export class GuardianDesk {
  readonly #store: Store;
  readonly #rules: GuardianRules;

  constructor(store: Store, rules: GuardianRules) {
    this.#store = store;
    this.#rules = rules;
  }

  /** The policy in force, as it is written. */
  async policy(): Promise<JsonObject> {
    return (await this.#policy()).document as unknown as JsonObject;
  }

  /** What tells the file that the policy in force last came from; null: it never came from one. */
  async policyFile(): Promise<string | null> {
    return ((await this.#store.document('policy', 'current'))?.body.file ?? null) as string | null;
  }

  /** The verdict on a task as it would be handed in. Rate limits are not looked at. */
  async evaluate(subject: Subject): Promise<{ verdict: Verdict; violations: { rule: string; message: string }[] }> {
    const { verdict, violations } = evaluate(await this.#policy(), subject);
    return { verdict, violations: violations.map(({ rule, message }) => ({ rule, message })) };
  }

  async #policy(): Promise<Policy> {
    return policyOf(await this.#store.document('policy', 'current'), this.#rules.types);
  }
}
