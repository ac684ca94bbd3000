import { ErrorReply } from '@redis/client';
import type { EphemeralEvent, LedgerEntry } from '../core/event.ts';
import type { Ledger } from '../core/store.ts';
import { wireEphemeral, wireEvent } from '../core/wire-event.ts';
import { RedisConnection, type RedisOptions, type Reply } from '../redis/connection.ts';
import { InMemoryBus } from './in-memory.ts';

const AT_ONCE = 256;
const RETRY_MS = 250;
/** About how many events the stream keeps for readers that come late. */
const KEPT = 100_000;

export interface RedisPublisherOptions extends RedisOptions {
  readonly colony: string;
  readonly ledger: () => Ledger;
}

/**
 * The bus of a single kernel that lets others read along: every event goes into a stream as well, under its number
 * (`<id>-0`) and in the form in which watchers see it (`event`). The stream follows the ledger, so an outage of Redis
 * leaves no gap in it; and none of the kernel's answers waits for it. Ephemeral events go out by `PUBLISH`.
 */
export class RedisPublisher extends InMemoryBus {
  override readonly type = 'redis';
  readonly #redis: RedisConnection;
  readonly #stream: string;
  readonly #ledger: () => Ledger;
  /** The newest event in the stream. */
  #published: number;
  #problem: string | null = null;
  #closed = false;
  #wake: () => void = () => undefined;
  #more = false;
  readonly #publishing: Promise<void>;

  /**
   * Goes on behind what the stream holds already, or where that is of no use (it is empty, of another ledger, or too far
   * behind what the ledger keeps) from the ledger's present end. Throws `StorageUnavailable` when there is no Redis.
   */
  static async open({ colony, ledger, ...options }: RedisPublisherOptions): Promise<RedisPublisher> {
    const stream = `{${colony}}:events`;
    const redis = new RedisConnection(options, stream);
    try {
      const { first, last } = await ledger().span();
      const [newest] = (await redis.send('XREVRANGE', stream, '+', '-', 'COUNT', '1')) as [string, Reply][];
      const published = newest ? Number(newest[0].split('-')[0]) : 0;
      const isOurs = published >= first - 1 && published > 0 && published <= last;
      if (!isOurs) await redis.send('DEL', stream);
      return new RedisPublisher(redis, stream, ledger, isOurs ? published : last);
    } catch (error) {
      redis.close();
      throw error;
    }
  }

  private constructor(redis: RedisConnection, stream: string, ledger: () => Ledger, published: number) {
    super();
    this.#redis = redis;
    this.#stream = stream;
    this.#ledger = ledger;
    this.#published = published;
    this.#publishing = this.#run();
  }

  override get problem(): string | null {
    return this.#problem;
  }

  override publish(entries: readonly LedgerEntry[]): void {
    super.publish(entries);
    this.#more = true;
    this.#wake();
  }

  override publishEphemeral(event: EphemeralEvent): void {
    super.publishEphemeral(event);
    this.#redis.send('PUBLISH', `${this.#stream}:ephemeral`, wireEphemeral(event)).catch(() => undefined);
  }

  override async close(): Promise<void> {
    await super.close();
    if (this.#problem === null) await this.#publishAll().catch(() => undefined);
    this.#closed = true;
    this.#wake();
    this.#redis.close();
    await this.#publishing;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      this.#more = false;
      try {
        await this.#publishAll();
        this.#problem = null;
      } catch (error) {
        // Whatever it is, nobody would hear of it here: it shows in /health, and is tried again.
        this.#problem = (error as Error).message;
      }
      if (!this.#more && !this.#closed) await this.#rest();
    }
  }

  /** Until there is more to publish; or, after a failure, for a moment. */
  async #rest(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#problem !== null) timer = setTimeout(resolve, RETRY_MS);
    });
    clearTimeout(timer);
  }

  async #publishAll(): Promise<void> {
    for (;;) {
      const entries = await this.#ledger().read(this.#published, AT_ONCE);
      if (entries.length === 0) return;
      await this.#append(entries);
      this.#published = entries.at(-1)!.id;
    }
  }

  async #append(entries: readonly LedgerEntry[]): Promise<void> {
    const kept = ['MAXLEN', '~', String(KEPT)];
    try {
      await this.#redis.pipeline(
        entries.map((entry) => ['XADD', this.#stream, ...kept, `${entry.id}-0`, 'event', wireEvent(entry)]),
      );
    } catch (error) {
      if (!(error instanceof ErrorReply) || !/equal or smaller/.test(error.message)) throw error;
      // They were sent twice, since an answer got lost. What is missing behind the newest follows with the next look.
      const [newest] = (await this.#redis.send('XREVRANGE', this.#stream, '+', '-', 'COUNT', '1')) as [string, Reply][];
      const rest = entries.filter(({ id }) => id > Number(newest?.[0].split('-')[0] ?? 0));
      if (rest.length < entries.length) await this.#append(rest);
    }
  }
}
