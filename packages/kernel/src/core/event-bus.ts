import type { EphemeralEvent, LedgerEntry } from './event.ts';

/**
 * Carries what has happened to whoever watches. Entries are published after their commit, in ledger order; a
 * subscriber that is told of a gap, or has fallen behind, reads the rest from the ledger.
 */
export interface EventBus {
  readonly type: 'inmemory' | 'redis';
  /** Why events do not travel at the moment; null when all is well. */
  readonly problem: string | null;
  publish(entries: readonly LedgerEntry[]): void;
  publishEphemeral(event: EphemeralEvent): void;
  /** Returns a function that ends the subscription. Listeners must not throw and must not block. */
  subscribe(listener: BusListener): () => void;
  /** Resolves once listeners have heard of everything published so far, or at least should have. */
  delivered(): Promise<void>;
  close(): Promise<void>;
}

export interface BusListener {
  /** @param fromHere whether this kernel committed them itself; false also when that is not certain */
  entries(entries: readonly LedgerEntry[], fromHere: boolean): void;
  ephemeral(event: EphemeralEvent): void;
}
