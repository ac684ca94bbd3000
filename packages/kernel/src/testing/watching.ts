import { type Consumer, EventRelay, type Interest, type Subscription, type WireEvent } from '../body/event-relay.ts';
import { InMemoryBus } from '../bus/in-memory.ts';
import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { ChainedEntry, LedgerEntry, LedgerType } from '../core/event.ts';
import type { Ledger } from '../core/store.ts';

/** A ledger in an array, and a relay that publishes from it. */
export class Stage {
  readonly bus = new InMemoryBus();
  readonly relay: EventRelay;
  entries: ChainedEntry[] = [];
  /** Positions before this one are gone. */
  first = 1;
  reads = 0;
  broken = false;
  damaged = false;
  readonly faults: unknown[] = [];
  #count = 0;

  /** @param before how many entries there are before the relay comes into being */
  constructor(before = 0) {
    this.write(before);
    const ledger: Ledger = {
      span: async () => ({ first: this.first, last: this.#count, sealedTo: this.#count, hash: '' }),
      read: async (after, limit) => {
        this.reads++;
        if (this.broken) throw new StorageUnavailable('the disk is gone');
        if (this.damaged) throw new TypeError('this is no entry');
        return this.entries.filter(({ id }) => id > after && id >= this.first).slice(0, limit);
      },
      query: async () => [],
      seal: async () => this.#count,
      verify: () => Promise.reject(new Error('nobody asked')),
    };
    this.relay = new EventRelay(
      () => ledger,
      this.bus,
      (error) => this.faults.push(error),
    );
  }

  /** Entries that are committed, and not published. */
  write(count: number, fields: Partial<LedgerEntry> = {}): LedgerEntry[] {
    const written = Array.from({ length: count }, () => anEntry(++this.#count, fields));
    for (const entry of written) this.entries.push(entry);
    return written;
  }

  /** Entries that are committed and published, in one batch. */
  publish(count: number, fields: Partial<LedgerEntry> = {}): void {
    this.bus.publish(this.write(count, fields));
  }

  async watch(interest: Partial<Interest> = {}): Promise<Watcher> {
    const watcher = new Watcher();
    const subscription = await this.relay.subscribe({ since: null, types: null, taskId: null, ...interest }, watcher);
    if (subscription instanceof Refusal) throw new Error(subscription.code);
    watcher.subscription = subscription;
    return watcher;
  }
}

/** A consumer that notes what it gets, on a network that takes everything at once or nothing at all. */
export class Watcher implements Consumer {
  subscription!: Subscription;
  readonly events: WireEvent[] = [];
  ended: string | null = null;
  /** Bytes on their way, when the network takes nothing. */
  unsent = 0;
  stuck = false;

  get ids(): (number | null)[] {
    return this.events.map(({ id }) => id);
  }

  send(events: readonly WireEvent[]): void {
    this.events.push(...events);
    if (this.stuck) for (const { json } of events) this.unsent += json.length;
  }

  backlog(): number {
    return this.unsent;
  }

  end(reason: string): void {
    this.ended = reason;
  }

  /** The network takes what was on its way. */
  drain(): void {
    this.unsent = 0;
    this.subscription.drained();
  }
}

function anEntry(id: number, fields: Partial<LedgerEntry>): ChainedEntry {
  return {
    id,
    type: 'task_submitted' as LedgerType,
    source: 'kernel',
    actor: 'ann',
    at: 0,
    data: '{}',
    taskId: null,
    workerId: null,
    prevHash: '',
    hash: '',
    ...fields,
  };
}

/** The numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}
