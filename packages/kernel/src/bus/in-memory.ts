import type { EphemeralEvent, LedgerEntry } from '../core/event.ts';
import type { BusListener, EventBus } from '../core/event-bus.ts';

/** The bus of a single kernel: a list of listeners. */
export class InMemoryBus implements EventBus {
  readonly type: EventBus['type'] = 'inmemory';
  readonly #listeners = new Set<BusListener>();

  get problem(): string | null {
    return null;
  }

  publish(entries: readonly LedgerEntry[]): void {
    for (const listener of this.#listeners) listener.entries(entries, true);
  }

  publishEphemeral(event: EphemeralEvent): void {
    for (const listener of this.#listeners) listener.ephemeral(event);
  }

  subscribe(listener: BusListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async delivered(): Promise<void> {}

  async close(): Promise<void> {
    this.#listeners.clear();
  }
}
