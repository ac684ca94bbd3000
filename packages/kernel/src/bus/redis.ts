import { setTimeout as pause } from 'node:timers/promises';
import type { EphemeralEvent, LedgerEntry } from '../core/event.ts';
import type { BusListener, EventBus } from '../core/event-bus.ts';
import { RedisConnection, type RedisOptions, type Reply } from '../redis/connection.ts';
import { entriesOf, MOST_IN_ROW, type Row, rowFrom } from '../redis/ledger-rows.ts';

/** How long one look at the streams waits for something new. Must be less than a round trip may take. */
const WAIT_MS = 1000;
const RETRY_MS = 100;
const SHORT_WAIT_MS = 5;
const MOST_WAITS = 200;
/** After this long a commit of one's own whose entries are there already will not be answered any more. */
const LONGEST_ANSWER_MS = 500;
const ROWS_AT_ONCE = 64;
/** Ephemeral events are for who watches now: a kernel that is further behind misses some. */
const EPHEMERAL_KEPT = 1000;
/** Own entries kept until the stream brings them back, at the most. */
const MOST_OWN = 100_000;

export interface RedisBusOptions extends RedisOptions {
  readonly colony: string;
}

/**
 * The bus of kernels that share a Redis store. The ledger is a stream already, so nothing needs to be published: every
 * kernel follows it, its own entries included, and thus all hear of everything in the same order, however it was
 * committed and whoever has died since. Where it was is kept here: a lost connection loses nothing.
 */
export class RedisBus implements EventBus {
  readonly type = 'redis';
  readonly #listeners = new Set<BusListener>();
  /** One waits on the streams, one sends. */
  readonly #reader: RedisConnection;
  readonly #sender: RedisConnection;
  readonly #ledger: string;
  readonly #ephemeral: string;
  /** Tells this kernel's ephemeral events from those of others. */
  readonly #name: string;
  /** Entries committed here that have not come back yet, by the first of their row. */
  readonly #own = new Map<number, readonly LedgerEntry[]>();
  #onPublished: (() => void) | null = null;
  #position: { ledger: string; ephemeral: string };
  #closed = false;
  #problem: string | null = null;
  #following: Promise<void>;

  /** Follows the ledger from its present end on. Throws `StorageUnavailable` when there is no Redis. */
  static async open({ colony, ...options }: RedisBusOptions, name: string): Promise<RedisBus> {
    const prefix = `{${colony}}:`;
    const reader = new RedisConnection(options, `${prefix}ledger`);
    const newest = (stream: string) => ['XREVRANGE', prefix + stream, '+', '-', 'COUNT', '1'];
    try {
      const [ledger, ephemeral] = await reader.pipeline([newest('ledger'), newest('ephemeral')]);
      return new RedisBus(prefix, reader, new RedisConnection(options, `${prefix}ephemeral`), name, {
        ledger: idOf(ledger!),
        ephemeral: idOf(ephemeral!),
      });
    } catch (error) {
      reader.close();
      throw error;
    }
  }

  private constructor(
    prefix: string,
    reader: RedisConnection,
    sender: RedisConnection,
    name: string,
    position: { ledger: string; ephemeral: string },
  ) {
    this.#ledger = `${prefix}ledger`;
    this.#ephemeral = `${prefix}ephemeral`;
    this.#reader = reader;
    this.#sender = sender;
    this.#name = name;
    this.#position = position;
    // Another server may give the numbers of what got lost to something else.
    reader.inspectWith(async () => this.#own.clear());
    this.#following = this.#follow();
  }

  get problem(): string | null {
    return this.#problem;
  }

  /** They are in the stream since they were committed; kept so that they need not be read again when it brings them. */
  publish(entries: readonly LedgerEntry[]): void {
    if (this.#own.size * MOST_IN_ROW > MOST_OWN) this.#own.clear();
    const seen = Number(this.#position.ledger.split('-')[0]);
    for (let from = 0; from < entries.length; from += MOST_IN_ROW) {
      const row = entries.slice(from, from + MOST_IN_ROW);
      if (row[0]!.id > seen) this.#own.set(row[0]!.id, row);
    }
    this.#onPublished?.();
  }

  publishEphemeral(event: EphemeralEvent): void {
    for (const listener of this.#listeners) listener.ephemeral(event);
    const kept = ['MAXLEN', '~', String(EPHEMERAL_KEPT)];
    const text = JSON.stringify(event);
    this.#sender.send('XADD', this.#ephemeral, ...kept, '*', 'by', this.#name, 'event', text).catch(() => undefined);
  }

  subscribe(listener: BusListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async delivered(): Promise<void> {
    for (let waits = 0; this.#own.size > 0 && waits < MOST_WAITS; waits++) await pause(SHORT_WAIT_MS);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    this.#reader.close();
    this.#sender.close();
    await this.#following;
  }

  async #follow(): Promise<void> {
    while (!this.#closed) {
      try {
        const { ledger, ephemeral } = this.#position;
        const limits = ['COUNT', String(ROWS_AT_ONCE), 'BLOCK', String(WAIT_MS)];
        const streams = ['STREAMS', this.#ledger, this.#ephemeral, ledger, ephemeral];
        const reply = (await this.#reader.send('XREAD', ...limits, ...streams)) as [string, Reply[]][] | null;
        this.#problem = null;
        for (const [stream, messages] of reply ?? []) {
          if (stream === this.#ledger) await this.#take(messages);
          else this.#takeEphemeral(messages);
        }
      } catch (error) {
        // Whatever it is, nobody would hear of it here: it shows in /health, and is tried again.
        this.#own.clear();
        this.#problem = (error as Error).message;
        await pause(RETRY_MS);
      }
    }
  }

  async #take(messages: readonly Reply[]): Promise<void> {
    for (const message of messages) {
      const row = rowFrom(message);
      const own = await this.#ownOf(row);
      this.#position.ledger = row.id;
      // What was told only after a failover may have a number that is another row's by now.
      const isOwn = own !== undefined && own.at(-1)!.id === row.last && own[0]!.at === row.at;
      const entries = isOwn ? own : entriesOf(row);
      for (const listener of this.#listeners) listener.entries(entries, isOwn);
    }
  }

  /** What was published of this row. It may have come round faster than the answer to its commit, if there is one. */
  async #ownOf({ first, by }: Row): Promise<readonly LedgerEntry[] | undefined> {
    if (by === this.#name && !this.#own.has(first)) await this.#nextPublished();
    const own = this.#own.get(first);
    this.#own.delete(first);
    return own;
  }

  #nextPublished(): Promise<void> {
    return new Promise((resolve) => {
      const limit = setTimeout(resolve, LONGEST_ANSWER_MS);
      this.#onPublished = () => {
        clearTimeout(limit);
        resolve();
      };
    });
  }

  #takeEphemeral(messages: readonly Reply[]): void {
    for (const message of messages) {
      const [id, fields] = message as [string, string[]];
      this.#position.ephemeral = id;
      if (fields[1] === this.#name) continue;
      const event = JSON.parse(fields[3]!) as EphemeralEvent;
      for (const listener of this.#listeners) listener.ephemeral(event);
    }
  }
}

/** The id of the only message of a range, or of the beginning. */
function idOf(range: Reply): string {
  return (range as [string, Reply][])[0]?.[0] ?? '0';
}
