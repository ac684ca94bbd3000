import { contentHash } from '../../core/chain.ts';
import type { SubmitPlan } from '../../core/command.ts';
import { Refusal } from '../../core/errors.ts';
import type { TaskInput } from '../../core/task.ts';
import { planCommand } from '../plan-command.ts';
import type { World } from '../simulation.ts';
import { type Actor, ask } from './actor.ts';
import { FORBIDDEN, RISKY } from './reviewer.ts';

/** A plan, handed in under its key until that is acknowledged. */
interface Intention {
  readonly command: SubmitPlan;
  /** The ids of its tasks, once they are known; those of what a rollback took away come before. */
  readonly made: { readonly id: string; readonly tasks: readonly string[] }[];
  asked: boolean;
}

/** Hands in plans, calls some of them off, and has some of their tasks run again. */
export class Planner implements Actor {
  readonly intentions: Intention[] = [];
  readonly #world: World;
  #begun = 0;
  #healing = false;

  constructor(world: World) {
    this.#world = world;
  }

  act(): void {
    const { random } = this.#world;
    if (!this.#healing && random.chance(0.15)) this.#begin();
    for (const intention of this.intentions) {
      if (!intention.asked && (intention.made.length === 0 || random.chance(0.02))) void this.#send(intention);
    }
    const known = this.intentions.flatMap(({ made }) => made.at(-1) ?? []);
    if (this.#healing || known.length === 0) return;
    const { id, tasks } = random.pick(known);
    if (random.chance(0.05)) void ask(this.#world, { kind: 'cancel_plan', actor: 'planner', planId: id });
    if (random.chance(0.15)) void ask(this.#world, { kind: 'retry', actor: 'planner', taskId: random.pick(tasks) });
    if (random.chance(0.03)) {
      void ask(this.#world, { kind: 'cancel', actor: 'planner', taskId: random.pick(tasks), cascade: false });
    }
  }

  disconnected(): void {
    for (const intention of this.intentions) intention.asked = false;
  }

  heal(): void {
    this.#healing = true;
  }

  done(): boolean {
    return this.intentions.every(({ made }) => made.length > 0);
  }

  #begin(): void {
    const { random, clock } = this.#world;
    const name = `plan ${this.#begun++}`;
    const size = random.between(1, 8);
    const input: Record<string, Partial<TaskInput>> = {};
    for (let n = 0; n < size; n++) {
      const earlier = () => `k${random.between(0, n - 1)}`;
      input[`k${n}`] = {
        description: `${random.chance(0.05) ? RISKY : 'plain'} step ${n} of ${name}`,
        tags: random.chance(0.02) ? [FORBIDDEN] : [],
        max_retries: random.between(0, 3),
        timeout_seconds: random.between(5, 30),
        depends_on: n > 0 && random.chance(0.4) ? [earlier()] : [],
        payload:
          n > 0 && random.chance(0.5) ? { from: { $result: `${earlier()}${random.chance(0.05) ? '.no' : ''}` } } : null,
      };
    }
    const ids = new Map(Object.keys(input).map((key) => [key, random.id(clock.now().steady)]));
    const command = planCommand(random.id(clock.now().steady), input, clock.now().wall, {
      onFailure: random.pick(['stop', 'continue']),
      actor: 'planner',
      idOf: (key) => ids.get(key)!,
    });
    this.intentions.push({ command, made: [], asked: false });
  }

  async #send(intention: Intention): Promise<void> {
    const { random, clock } = this.#world;
    intention.asked = true;
    const answer = await ask(
      this.#world,
      this.#anew(intention.command, () => random.id(clock.now().steady)),
    );
    intention.asked = false;
    if (answer === null) return;
    if (answer instanceof Refusal) {
      this.#world.complaints.push(`a plan was refused: ${answer.code} ${answer.detail}`);
      return;
    }
    const { plan, tasks } = answer as { plan: { id: string }; tasks: Record<string, string> };
    if (intention.made.at(-1)?.id !== plan.id) intention.made.push({ id: plan.id, tasks: Object.values(tasks) });
  }

  /** Sent again it has other ids, as a request has that is made again; its key says that it is the same. */
  #anew(command: SubmitPlan, newId: () => string): SubmitPlan {
    const ids = new Map(command.tasks.map(({ id }) => [id, newId()]));
    const replaced = (text: string) => text.replace(/[0-9a-f-]{36}/g, (id) => ids.get(id) ?? id);
    const tasks = command.tasks.map((task) => {
      const json = replaced(task.json);
      const spec = JSON.parse(json) as typeof task.spec;
      return { ...task, id: ids.get(task.id)!, json, contentHash: contentHash(json), spec };
    });
    const idempotency = { key: `planner ${command.id}`, bodyHash: command.id };
    return { ...command, id: newId(), tasks, idempotency };
  }
}
