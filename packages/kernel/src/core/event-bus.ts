import type { EphemeralEvent, LedgerEntry } from './event.ts';

/**
 * Carries what has happened to whoever watches. Entries are published after their commit, in ledger order; a
 * subscriber that is told of a gap, or has fallen behind, reads the rest from the ledger.
 */
export interface EventBus {
  readonly type: 'inmemory' | 'redis';
  publish(entries: readonly LedgerEntry[]): void;
  publishEphemeral(event: EphemeralEvent): void;
  /** Returns a function that ends the subscription. Listeners must not throw and must not block. */
  subscribe(listener: BusListener): () => void;
  close(): Promise<void>;
}

export interface BusListener {
  entries(entries: readonly LedgerEntry[]): void;
  ephemeral(event: EphemeralEvent): void;
}
