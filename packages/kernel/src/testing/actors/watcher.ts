import type { Consumer, Subscription, WireEvent } from '../../body/event-relay.ts';
import { Refusal } from '../../core/errors.ts';
import type { World } from '../simulation.ts';
import type { Actor } from './actor.ts';

/** Follows the stream, loses its connection, is slow, and comes back with the last position it saw. */
export class Watcher implements Actor {
  readonly seen: number[] = [];
  readonly #world: World;
  #subscription: Subscription | null = null;
  #backlog = 0;
  #healing = false;

  constructor(world: World) {
    this.#world = world;
  }

  act(): void {
    const { random } = this.#world;
    if (!this.#subscription) void this.#connect();
    else if (!this.#healing && random.chance(0.1)) {
      this.#subscription.close();
      this.#subscription = null;
    } else {
      this.#backlog = !this.#healing && random.chance(0.2) ? 1_000_000 : 0;
      if (this.#backlog === 0) this.#subscription.drained();
    }
  }

  disconnected(): void {
    this.#subscription = null;
  }

  heal(): void {
    this.#healing = true;
  }

  async done(): Promise<boolean> {
    return this.seen.at(-1) === (await this.#world.kernel.store.ledger.span()).last;
  }

  async #connect(): Promise<void> {
    let mine: Subscription | null = null;
    const consumer: Consumer = {
      send: (events) => this.#receive(events),
      backlog: () => this.#backlog,
      end: () => {
        if (this.#subscription === mine) this.#subscription = null;
      },
    };
    this.#backlog = 0;
    const answer = await this.#world.kernel.relay.subscribe(
      { since: this.seen.at(-1) ?? 0, types: null, taskId: null },
      consumer,
    );
    if (answer instanceof Refusal) this.#world.complaints.push(`invariant 12: ${answer.detail}`);
    else {
      mine = answer;
      this.#subscription = answer;
    }
  }

  #receive(events: readonly WireEvent[]): void {
    for (const { id } of events) if (id !== null) this.seen.push(id);
  }
}
