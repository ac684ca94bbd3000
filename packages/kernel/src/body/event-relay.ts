import { Refusal, StorageUnavailable } from '../core/errors.ts';
import type { EphemeralEvent, LedgerEntry } from '../core/event.ts';
import type { EventBus } from '../core/event-bus.ts';
import type { Ledger } from '../core/store.ts';
import { wireEphemeral, wireEvent } from '../core/wire-event.ts';

/** What a consumer wants to see. */
export interface Interest {
  /** Replay what came after this entry, then go on live; null: live only. */
  readonly since: number | null;
  /** Event types, `*` at the end matching any rest (`task_*`); null: all. */
  readonly types: readonly string[] | null;
  readonly taskId: string | null;
}

/** One event ready for the wire; `id` is null for ephemeral ones. */
export interface WireEvent {
  readonly id: number | null;
  readonly json: string;
}

/** One end of an event stream: a WebSocket or an SSE response. */
export interface Consumer {
  send(events: readonly WireEvent[]): void;
  /** Bytes handed over and not yet taken by the network. */
  backlog(): number;
  /** The stream is over: it was too slow (1013), or the kernel stops (1001). */
  end(reason: 'slow' | 'stopping'): void;
}

export interface Subscription {
  /** The network has taken what was sent: there is room again. */
  drained(): void;
  close(): void;
}

/** How many of the newest entries are kept at hand, so that live consumers never read the ledger. */
const RECENT = 16_384;
/** Entries read or sent at a time. */
const PIECE = 512;
/** With more than this unsent, a consumer gets nothing more until the network has taken some. */
const ENOUGH_BYTES = 256 * 1024;
/** A live consumer further behind than this, in either way, is cut off. */
const MOST_EVENTS_BEHIND = 10_000;
const MOST_BYTES_BEHIND = 8 * 1024 * 1024;
/** A consumer that takes nothing at all for this long is cut off, also while it replays. */
const LONGEST_STALL_MS = 30_000;

interface Recent {
  readonly entry: LedgerEntry;
  json: string | undefined;
}

/** About what an event takes up on the wire, besides its data. */
const FRAME_BYTES = 150;

/**
 * Brings the ledger to whoever watches. Each subscriber has a position; what it has not seen yet comes from the
 * entries at hand or, further back, from the ledger itself, so there is no seam between replay and live, and memory
 * does not grow with slow subscribers.
 */
export class EventRelay {
  readonly #ledger: () => Ledger;
  readonly #onFault: (error: unknown) => void;
  readonly #subscribers = new Set<Subscriber>();
  readonly #unsubscribe: () => void;
  #recent: Recent[] = [];
  /** The newest entry that was published; never ahead of the ledger. Null until somebody wants to know. */
  #published: number | null = null;
  #scheduled = false;
  #stopped = false;

  /** @param onFault told of what should never happen */
  constructor(ledger: () => Ledger, bus: EventBus, onFault: (error: unknown) => void) {
    this.#ledger = ledger;
    this.#onFault = onFault;
    this.#unsubscribe = bus.subscribe({
      entries: (entries) => this.#publish(entries),
      ephemeral: (event) => this.#publishEphemeral(event),
    });
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** Refuses (`position_gone`) a `since` that is before what the ledger still keeps, or beyond its head. */
  async subscribe(interest: Interest, consumer: Consumer): Promise<Subscription | Refusal> {
    const { since } = interest;
    const { first, last } = await this.#ledger().span();
    this.#published ??= last;
    if (since !== null && (since > last || since < first - 1)) {
      const kept = `${first - 1}..${last}`;
      return new Refusal(
        'position_gone',
        `There is no position ${since}: the ledger can be followed from ${kept}. Read the state anew and go on from its head.`,
      );
    }
    if (this.#stopped) return new Refusal('shutting_down', 'The kernel is shutting down; come back once it is back.');
    const subscriber = new Subscriber(this, interest, consumer, since ?? this.head);
    this.#subscribers.add(subscriber);
    subscriber.pump();
    return subscriber;
  }

  /** Cuts off who takes nothing. Called a few times a second. */
  check(steady: number): void {
    for (const subscriber of this.#subscribers) subscriber.check(steady);
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    for (const subscriber of [...this.#subscribers]) {
      subscriber.pump();
      subscriber.end('stopping');
    }
  }

  // For subscribers.

  get head(): number {
    return this.#published ?? 0;
  }

  /** Whether what follows `position` is more than a live consumer may have before it. */
  isFar(position: number): boolean {
    if (this.head - position > MOST_EVENTS_BEHIND) return true;
    let bytes = 0;
    for (let at = this.#recent.length - 1; at >= 0 && bytes <= MOST_BYTES_BEHIND; at--) {
      const { entry } = this.#recent[at]!;
      if (entry.id <= position) break;
      bytes += entry.data.length + FRAME_BYTES;
    }
    return bytes > MOST_BYTES_BEHIND;
  }

  /** What follows `after`, if it is at hand. */
  recent(after: number): readonly Recent[] | null {
    const first = this.#recent[0]?.entry.id;
    if (first === undefined || after + 1 < first) return null;
    const at = after + 1 - first;
    return this.#recent.slice(at, at + PIECE);
  }

  async read(after: number): Promise<readonly Recent[]> {
    const entries = await this.#ledger().read(after, PIECE);
    return entries.map((entry) => ({ entry, json: undefined }));
  }

  fault(error: unknown): void {
    this.#onFault(error);
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /** What is at hand may not be what the ledger holds any more. */
  forget(): void {
    this.#recent = [];
  }

  /** Some commits were never published (their answers got lost): goes on from what the ledger holds. */
  async catchUp(): Promise<void> {
    const { last } = await this.#ledger().span();
    if (last <= this.head) return;
    this.#recent = [];
    this.#published = last;
    this.#schedule();
  }

  #publish(entries: readonly LedgerEntry[]): void {
    // A row may reach from what is known already into what is new.
    const fresh = entries[0]!.id > this.head ? entries : entries.filter(({ id }) => id > this.head);
    if (fresh.length === 0) return;
    if (fresh[0]!.id > this.head + 1) this.#recent = [];
    for (const entry of fresh) this.#recent.push({ entry, json: undefined });
    this.#published = fresh.at(-1)!.id;
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#subscribers.size === 0) return;
    // After the answers of the batch are out: watchers do not delay submitters.
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const subscriber of this.#subscribers) subscriber.pump();
    });
  }

  #publishEphemeral(event: EphemeralEvent): void {
    if (this.#subscribers.size === 0) return;
    const wire = { id: null, json: wireEphemeral(event) };
    for (const subscriber of this.#subscribers) subscriber.pass(event, wire);
  }
}

class Subscriber implements Subscription {
  readonly #relay: EventRelay;
  readonly #consumer: Consumer;
  readonly #matches: (event: LedgerEntry | EphemeralEvent) => boolean;
  #position: number;
  /** Has once been up to date: from then on it may not fall far behind. */
  #live = false;
  #reading = false;
  #closed = false;
  #stalled = false;
  /** Steady time at which the network last took something, while it is stalled; and what was left then. */
  #stalledSince: number | null = null;
  #stalledAt = 0;

  constructor(relay: EventRelay, interest: Interest, consumer: Consumer, position: number) {
    this.#relay = relay;
    this.#consumer = consumer;
    this.#matches = matcher(interest);
    this.#position = position;
  }

  /** Sends what there is to send, as far as the network takes it. */
  pump(): void {
    while (!this.#closed && !this.#reading) {
      const behind = this.#relay.head - this.#position;
      if (behind <= 0) {
        this.#live = true;
        return;
      }
      if (this.#consumer.backlog() > ENOUGH_BYTES) {
        this.#stalled = true;
        if (this.#live && this.#relay.isFar(this.#position)) this.end('slow');
        return;
      }
      this.#resume();
      const recent = this.#relay.recent(this.#position);
      if (recent) this.#send(recent);
      else void this.#readOn();
    }
  }

  async #readOn(): Promise<void> {
    this.#reading = true;
    try {
      const next = await this.#relay.read(this.#position);
      // Retention has overtaken it. It learns that its position is gone when it comes back with it.
      if (next[0]?.entry.id !== this.#position + 1) this.end('slow');
      else this.#send(next);
    } catch (error) {
      // Whatever it is: who comes back with its position may have better luck.
      if (!(error instanceof StorageUnavailable)) this.#relay.fault(error);
      this.end('stopping');
    } finally {
      this.#reading = false;
    }
    // Lets others in between: a long replay must not hold up the kernel.
    setImmediate(() => this.pump());
  }

  #send(recent: readonly Recent[]): void {
    if (this.#closed || recent.length === 0) return;
    const events: WireEvent[] = [];
    for (const one of recent) {
      if (!this.#matches(one.entry)) continue;
      one.json ??= wireEvent(one.entry);
      events.push({ id: one.entry.id, json: one.json });
    }
    this.#position = recent.at(-1)!.entry.id;
    if (events.length > 0) this.#consumer.send(events);
  }

  /** An ephemeral event goes only to who is up to date and has room. */
  pass(event: EphemeralEvent, wire: WireEvent): void {
    const upToDate = this.#live && this.#position === this.#relay.head;
    if (this.#closed || !upToDate || this.#consumer.backlog() > ENOUGH_BYTES || !this.#matches(event)) return;
    this.#consumer.send([wire]);
  }

  drained(): void {
    this.#resume();
    this.pump();
  }

  #resume(): void {
    this.#stalled = false;
    this.#stalledSince = null;
  }

  check(steady: number): void {
    if (!this.#stalled) return;
    const backlog = this.#consumer.backlog();
    if (this.#stalledSince === null || backlog < this.#stalledAt) this.#stalledSince = steady;
    this.#stalledAt = backlog;
    if (steady - this.#stalledSince > LONGEST_STALL_MS) this.end('slow');
  }

  end(reason: 'slow' | 'stopping'): void {
    if (this.#closed) return;
    this.close();
    this.#consumer.end(reason);
  }

  close(): void {
    this.#closed = true;
    this.#relay.remove(this);
  }
}

function matcher({ types, taskId }: Interest): (event: LedgerEntry | EphemeralEvent) => boolean {
  const exact = new Set(types?.filter((type) => !type.endsWith('*')));
  const prefixes = types?.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1)) ?? [];
  return (event) =>
    (taskId === null || event.taskId === taskId) &&
    (types === null || exact.has(event.type) || prefixes.some((prefix) => event.type.startsWith(prefix)));
}
