import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../src/testing/random.ts';
import type { Caller } from './caller.ts';
import { FORBIDDEN, RISKY } from './operator.ts';
import type { Told } from './told.ts';

interface WirePlan {
  readonly id: string;
}

/** Hands in plans whose tasks use each other's results, some of them again under the same key, and calls some off. */
export class Planner {
  readonly #caller: Caller;
  readonly #told: Told;
  readonly #random: Random;

  constructor(caller: Caller, told: Told, random: Random) {
    this.#caller = caller;
    this.#told = told;
    this.#random = random;
  }

  async work(isWorking: () => boolean): Promise<void> {
    const { plans } = this.#told;
    for (let n = 0; isWorking(); n++) {
      const known = [...plans.keys()];
      const key = known.length > 0 && this.#random.chance(0.1) ? this.#random.pick(known) : `plan-${n}`;
      const body = plans.get(key)?.body ?? this.#plan(key);
      const { id } = await this.hand(key, body);
      if (this.#random.chance(0.1))
        await this.#caller.call(`/plans/${id}`, { method: 'DELETE', mayBe: ['plan_not_found'] });
      await pause(this.#random.between(5, 40));
    }
  }

  async hand(key: string, body: object): Promise<WirePlan> {
    const headers = { 'idempotency-key': key };
    const answer = await this.#caller.call('/plans', { method: 'POST', body, headers });
    const plan = answer.body as WirePlan;
    this.#told.planned(key, body, plan.id);
    return plan;
  }

  #plan(goal: string): object {
    const random = this.#random;
    const tasks = Array.from({ length: random.between(1, 6) }, (_, n) => {
      const earlier = () => `k${random.between(0, n - 1)}`;
      return {
        key: `k${n}`,
        description: random.chance(0.05) ? `${RISKY} ${goal} ${n}` : `${goal} ${n}`,
        ...(random.chance(0.03) && { tags: [FORBIDDEN] }),
        ...(n > 0 && random.chance(0.5) && { depends_on: [earlier()] }),
        ...(n > 0 && random.chance(0.6) && { payload: { from: { $result: earlier() } } }),
      };
    });
    return { goal, tasks, on_failure: random.pick(['stop', 'continue']) };
  }
}
