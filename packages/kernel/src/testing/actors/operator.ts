import { Refusal, StorageUnavailable } from '../../core/errors.ts';
import type { World } from '../simulation.ts';
import type { Actor } from './actor.ts';

/** Makes checkpoints at any moment, deletes some, and takes the colony back to one of them, whatever is under way. */
export class Operator implements Actor {
  readonly #world: World;
  #isBusy = false;
  #healing = false;

  constructor(world: World) {
    this.#world = world;
  }

  act(): void {
    const { random, plan } = this.#world;
    if (this.#isBusy || this.#healing) return;
    if (random.chance(plan.checkpointRate))
      void this.#try(() => this.#world.kernel.checkpoints.create(null, 'operator'));
    else if (random.chance(plan.checkpointRate / 3)) void this.#try(() => this.#withAny('rollback'));
    else if (random.chance(plan.checkpointRate / 20)) void this.#try(() => this.#withAny('remove'));
  }

  disconnected(): void {
    this.#isBusy = false;
  }

  heal(): void {
    this.#healing = true;
  }

  async done(): Promise<boolean> {
    return (await this.#world.store.survey()).saving?.rolling !== true;
  }

  async #withAny(act: 'rollback' | 'remove'): Promise<unknown> {
    const { random, plan, kernel } = this.#world;
    const all = await kernel.checkpoints.list();
    if (all.length === 0) return null;
    if (act === 'rollback' && random.chance(plan.crashRate * 10)) this.#world.doom();
    const answer = await kernel.checkpoints[act](random.pick(all).id, 'operator');
    if (act === 'rollback' && answer !== null && !(answer instanceof Refusal)) this.#world.rollbacks++;
    return answer;
  }

  async #try(act: () => Promise<unknown>): Promise<void> {
    this.#isBusy = true;
    const { kernel } = this.#world;
    try {
      await act();
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) this.#world.complaints.push(String((error as Error).stack));
    }
    // Unless a kernel was killed over it, and another one has been asked since.
    if (kernel === this.#world.kernel) this.#isBusy = false;
  }
}
