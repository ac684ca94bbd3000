import type { Piece } from '../../core/archive.ts';
import { Refusal, StorageUnavailable } from '../../core/errors.ts';
import type { World } from '../simulation.ts';
import type { Actor } from './actor.ts';

/** Makes checkpoints at any moment, deletes some, takes the colony back to one, and exports it, whatever is under way. */
export class Operator implements Actor {
  readonly #world: World;
  #isBusy = false;
  #isExporting = false;
  #healing = false;

  constructor(world: World) {
    this.#world = world;
  }

  act(): void {
    const { random, plan } = this.#world;
    if (!this.#isExporting && !this.#healing && random.chance(plan.exportRate)) void this.#export();
    if (this.#isBusy || this.#healing) return;
    if (random.chance(plan.checkpointRate))
      void this.#try(() => this.#world.kernel.checkpoints.create(null, 'operator'));
    else if (random.chance(plan.checkpointRate / 3)) void this.#try(() => this.#withAny('rollback'));
    else if (random.chance(plan.checkpointRate / 20)) void this.#try(() => this.#withAny('remove'));
  }

  disconnected(): void {
    this.#isBusy = false;
    this.#isExporting = false;
  }

  heal(): void {
    this.#healing = true;
  }

  async done(): Promise<boolean> {
    return !this.#isExporting && (await this.#world.store.survey()).saving?.rolling !== true;
  }

  /** Reads at its leisure, so that much happens meanwhile. */
  async #export(): Promise<void> {
    this.#isExporting = true;
    const { kernel, clock, random, exports, complaints } = this.#world;
    try {
      const begun = await kernel.exports.begin('operator');
      if (begun instanceof Refusal) return;
      const pieces: Piece[] = [];
      for await (const piece of begun.pieces) {
        pieces.push(piece);
        if (random.chance(0.05)) await new Promise<void>((resolve) => clock.timer(random.between(0, 2000), resolve));
      }
      exports.push(pieces);
    } catch (error) {
      const isEnded = error instanceof StorageUnavailable || (error as Error).message.includes('exported no further');
      if (!isEnded) complaints.push(String((error as Error).stack));
    } finally {
      if (kernel === this.#world.kernel) this.#isExporting = false;
    }
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
