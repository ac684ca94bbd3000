import type { Command, GuardianRules, Judged, NewTask } from '../core/command.ts';
import type { Json, JsonObject } from '../core/json.ts';
import { capabilityPool } from '../core/lane.ts';
import type { Store } from '../core/store.ts';
import type { TaskStatus } from '../core/task.ts';
import { evaluate } from '../guardian/evaluate.ts';
import type { Limit } from '../guardian/limits.ts';
import { readAhead } from '../guardian/parse.ts';
import type { Judgement, Policy, Subject, Verdict } from '../guardian/policy.ts';
import { foretell } from './decide/judging.ts';
import { lastPolicy, policyOf } from './decide/policy.ts';
import type { Turns } from './turns.ts';

/**
 * What of the guardian's work is done outside of decisions. It answers what the guardian would say, without anything coming
 * of it; and it looks ahead. Patterns and texts are somebody's input, and while a command is decided everybody waits.
 * So tasks are judged, and patterns read, before their command waits to be decided, some at a time. The decision finds
 * the verdict there, and makes its own where the policy has changed since.
 */
export class GuardianDesk {
  readonly #store: Store;
  readonly #rules: GuardianRules;
  readonly #turns: Turns;

  constructor(store: Store, rules: GuardianRules, turns: Turns) {
    this.#store = store;
    this.#rules = rules;
    this.#turns = turns;
  }

  /** How many wait until others were served. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /** The policy in force, as it is written. */
  async policy(): Promise<JsonObject> {
    return (await this.#policy()).document as unknown as JsonObject;
  }

  /**
   * Reads the policy in force, which may be a new one: tasks are judged ahead by the one that was read last. If it cannot be
   * read, whoever hands in a task is told.
   */
  async refresh(): Promise<void> {
    await this.#policy().catch(() => undefined);
  }

  /** The policy's limits, with how many of the tasks that each is about are executing. */
  async limits(): Promise<readonly (Limit & { readonly executing: number })[]> {
    const { limits } = await this.#policy();
    if (limits.length === 0) return [];
    const { pools } = await this.#store.load({ pools: limits.map(({ capability }) => capabilityPool(capability)) });
    return limits.map((limit) => ({ ...limit, executing: pools.get(capabilityPool(limit.capability))! }));
  }

  /** What tells the file that the policy in force last came from; null: it never came from one. */
  async policyFile(): Promise<string | null> {
    return ((await this.#store.document('policy', 'current'))?.body.file ?? null) as string | null;
  }

  /** The verdict on a task as it would be handed in. Rate limits are not looked at. */
  async evaluate(subject: Subject): Promise<{ verdict: Verdict; violations: { rule: string; message: string }[] }> {
    const policy = await this.#policy();
    let judgement: Judgement | undefined;
    await this.#turns.do(() => {
      judgement = evaluate(policy, subject);
      return workOf(policy, subject);
    });
    const { verdict, violations } = judgement!;
    return { verdict, violations: violations.map(({ rule, message }) => ({ rule, message })) };
  }

  /** Looks ahead at what a command will want of the guardian. Null: that is done, as it nearly always is at once. */
  lookAhead(command: Command): Promise<void> | null {
    switch (command.kind) {
      case 'submit':
      case 'submit_plan':
        return this.#judge(command.tasks);
      case 'fire_schedule':
        return command.task === null ? null : this.#judge([command.task]);
      case 'retry':
        return this.#judgeStored(command.taskId, command);
      case 'set_policy':
        return this.#read(command.policy);
      default:
        return null;
    }
  }

  #judge(tasks: readonly NewTask[]): Promise<void> | null {
    const policy = lastPolicy(this.#rules.types);
    // Nobody has asked for it since the start, or it cannot be read: the decision will say so.
    if (policy === null) return null;
    for (const [index, task] of tasks.entries()) {
      const turn = this.#foretell(task, policy, task);
      if (turn !== null) return this.#judgeRest(turn, tasks.slice(index + 1));
    }
    return null;
  }

  async #judgeRest(turn: Promise<void>, tasks: readonly NewTask[]): Promise<void> {
    await turn;
    for (const task of tasks) await this.#foretell(task, lastPolicy(this.#rules.types)!, task);
  }

  #foretell(asked: Judged, policy: Policy, subject: Subject): Promise<void> | null {
    return this.#turns.do(() => {
      foretell(asked, policy, subject);
      return workOf(policy, subject);
    });
  }

  async #judgeStored(taskId: string, asked: Judged): Promise<void> {
    const task = await this.#store.task(taskId);
    // Others are not run again, so nothing is to be said of them.
    if (!task || !RETRIED.includes(task.status)) return;
    const { json, value: spec } = task.spec;
    await this.#foretell(asked, await this.#policy(), { json, spec });
  }

  async #read(policy: Json): Promise<void> {
    const pieces = readAhead(policy);
    for (let isOver = false; !isOver; ) {
      await this.#turns.do(() => {
        const { value, done = false } = pieces.next();
        isOver = done;
        return value ?? 0;
      });
    }
  }

  async #policy(): Promise<Policy> {
    return policyOf(await this.#store.document('policy', 'current'), this.#rules.types);
  }
}

const RETRIED: readonly TaskStatus[] = ['failed', 'timeout', 'cancelled'];

function workOf(policy: Policy, { json }: Subject): number {
  return policy.patterns?.work ?? json.length;
}
