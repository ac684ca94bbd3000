import { ColonyError } from './errors.ts';
import { EventFeed, fits } from './event-feed.ts';
import type { ColonyEvent } from './event-types.ts';
import { backoffMs } from './http/backoff.ts';
import { type Query, Requester } from './http/requester.ts';
import { sleep } from './platform.ts';
import { abandon, connect, opened, watchdog } from './socket.ts';

/** Beyond this many events that a loop has not taken yet, the socket is closed until it has caught up. */
const MAX_QUEUED = 10_000;
const SILENCE_MS = 20_000;
/** A connection that lived this long was a good one: the next attempt need not wait longer than the first. */
const SETTLED_MS = 1_000;

export interface EventsOptions {
  url: string | URL;
  token?: string | undefined;
  /** The id of the last event already known: what came after it is replayed. 0 = all; without it, from now on. */
  since?: number | undefined;
  /** Exact types or prefixes such as `task_*`. */
  types?: readonly string[] | undefined;
  /** Only this task's. */
  taskId?: string | undefined;
  /** Called when the stream cannot go on: `ColonyError` 401, 403, 410 `position_gone`, 422. It is closed then. */
  onError?: ((error: ColonyError) => void) | undefined;
  /** Called whenever the connection comes or goes. */
  onStateChange?: ((state: EventsState) => void) | undefined;
}

export type EventsState = 'connecting' | 'open' | 'closed';

/**
 * The event stream: `for await (const event of events)`, or `events.on('task_*', listener)`. It connects at the first
 * of either, reconnects when the connection breaks and resumes after the last event it has seen, so there is no gap
 * and no repeat (ephemeral events, those without an id, are missed while it is away). Without `since` it knows its
 * place from the first event on. A loop that is too slow makes it disconnect and resume later; it never piles up.
 */
export class ColonyEvents implements AsyncIterable<ColonyEvent> {
  readonly #requester: Requester;
  readonly #options: EventsOptions;
  readonly #listeners = new Set<{ pattern: string; listener: (event: ColonyEvent) => void }>();
  readonly #feeds = new Set<EventFeed>();
  readonly #closing = new AbortController();
  #lastId: number | undefined;
  #state: EventsState = 'connecting';
  #started = false;
  #failure: ColonyError | undefined;
  #wakePaused: (() => void) | undefined;

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#lastId = options.since;
    this.#requester = new Requester({ url: options.url, token: options.token, retries: 0, timeoutMs: 10_000 });
  }

  get state(): EventsState {
    return this.#state;
  }

  /** The id of the last event seen: give it as `since` to go on from here another time. */
  get lastId(): number | undefined {
    return this.#lastId;
  }

  /** Calls `listener` for each event whose type fits `pattern`. Returns the function that ends it. */
  on(pattern: string, listener: (event: ColonyEvent) => void): () => void {
    const entry = { pattern, listener };
    this.#listeners.add(entry);
    this.#start();
    return () => void this.#listeners.delete(entry);
  }

  /** Each loop gets every event from its beginning on. Throws `ColonyError` when the stream cannot go on. */
  [Symbol.asyncIterator](): AsyncIterableIterator<ColonyEvent> {
    const feed: EventFeed = new EventFeed(
      () => this.#caughtUp(),
      () => {
        this.#feeds.delete(feed);
        this.#caughtUp();
        if (this.#feeds.size === 0 && this.#listeners.size === 0) this.close();
      },
    );
    if (this.#closing.signal.aborted) feed.end(this.#failure);
    else this.#feeds.add(feed);
    this.#start();
    return feed;
  }

  /** Ends the connection; loops end after what they have been given. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#wakePaused?.();
    for (const feed of this.#feeds) feed.end(this.#failure);
    this.#feeds.clear();
    this.#enter('closed');
  }

  #start(): void {
    if (this.#started || this.#closing.signal.aborted) return;
    this.#started = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      this.#enter('connecting');
      const socket = connect(this.#requester.base, '/ws/events', this.#query(), this.#requester.token);
      const end = this.#receive(socket);
      if (await opened(socket, signal)) this.#enter('open');
      else await this.#learnWhy();
      const openedAt = performance.now();
      await end;
      if (signal.aborted) return;
      if (performance.now() - openedAt > SETTLED_MS) failures = 0;
      await this.#whenCaughtUp();
      await sleep(backoffMs(failures++, 10_000), signal).catch(() => {});
    }
  }

  /** Hands out what arrives. Resolves when the connection is over, whoever ended it. */
  #receive(socket: WebSocket): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const over = () => {
        dog.stop();
        signal.removeEventListener('abort', over);
        socket.onmessage = null;
        abandon(socket);
        resolve();
      };
      const dog = watchdog(SILENCE_MS, () => socket.readyState === WebSocket.OPEN && socket.send('ping'), over);
      signal.addEventListener('abort', over, { once: true });
      socket.addEventListener('close', over, { once: true });
      socket.onmessage = ({ data }: MessageEvent<string>) => {
        dog.heard();
        if (data === 'pong') return;
        this.#deliver(JSON.parse(data) as ColonyEvent);
        if (this.#behind()) over();
      };
    });
  }

  #deliver(event: ColonyEvent): void {
    if (event.id !== undefined) {
      if (this.#lastId !== undefined && event.id <= this.#lastId) return;
      this.#lastId = event.id;
    }
    for (const feed of this.#feeds) feed.push(event);
    for (const { pattern, listener } of this.#listeners) {
      if (!fits(event.type, pattern)) continue;
      try {
        listener(event);
      } catch (error) {
        // A listener's fault is its own: it must neither keep others from the event nor stop the stream.
        rethrow(error);
      }
    }
  }

  /**
   * A WebSocket does not say why it was refused, so a plain request asks: the same stream as Server-Sent Events is
   * refused for the same reasons. Only a refusal that will not go away by itself ends the stream.
   */
  async #learnWhy(): Promise<void> {
    const query = this.#query();
    const call = { method: 'GET', path: '/events', query, repeat: 'safe', signal: this.#closing.signal } as const;
    try {
      (await this.#requester.stream(call)).close();
    } catch (error) {
      if (!(error instanceof ColonyError) || ![401, 403, 410, 422].includes(error.status)) return;
      this.#fail(error);
    }
  }

  #fail(error: ColonyError): void {
    const loops = this.#feeds.size;
    this.#failure = error;
    this.close();
    if (this.#options.onError) this.#options.onError(error);
    else if (loops === 0) rethrow(error);
  }

  #query(): Query {
    const { types, taskId } = this.#options;
    return { since: this.#lastId, types: types?.join(','), task_id: taskId };
  }

  #behind(): boolean {
    for (const feed of this.#feeds) if (feed.size > MAX_QUEUED) return true;
    return false;
  }

  #caughtUp(): void {
    if (!this.#wakePaused) return;
    for (const feed of this.#feeds) if (feed.size > MAX_QUEUED / 10) return;
    this.#wakePaused();
  }

  async #whenCaughtUp(): Promise<void> {
    if (!this.#behind()) return;
    await new Promise<void>((resolve) => {
      this.#wakePaused = resolve;
    });
    this.#wakePaused = undefined;
  }

  #enter(state: EventsState): void {
    if (this.#state === state && this.#started) return;
    this.#state = state;
    this.#options.onStateChange?.(state);
  }
}

/** Nobody handles it, so nobody may overlook it either. */
function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
