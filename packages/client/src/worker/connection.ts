import type { ColonyClient } from '../client.ts';
import { ColonyError } from '../errors.ts';
import { backoffMs } from '../http/backoff.ts';
import type { Requester } from '../http/requester.ts';
import { sleep } from '../platform.ts';
import { connect, opened } from '../socket.ts';
import type { HttpReporter } from './http-reporter.ts';
import type { Link, LinkEvents } from './link.ts';
import type { Outbox, Report } from './outbox.ts';
import { PollLink } from './poll-link.ts';
import { type Holdings, resume } from './reconcile.ts';
import { SocketLink } from './socket-link.ts';

/** A socket that lived this long was a good one. */
const SETTLED_MS = 1_000;
const MAX_POLL_MS = 60_000;

export interface ConnectionOptions {
  client: ColonyClient;
  requester: Requester;
  transport: 'auto' | 'socket' | 'poll';
  holdings: Holdings;
  outbox: Outbox;
  http: HttpReporter;
  events: LinkEvents;
  /** Registers the worker and gives its id. */
  register: () => Promise<string>;
  /** How many more tasks can start at once. */
  free: () => number;
  /** There is a new link. */
  onLink: () => void;
}

/**
 * Keeps a worker in touch with its kernel:
 *
 *   socket ──lost──► socket again ──not to be had, but HTTP answers──► long poll for 1, 2, 4 … 60 s ──► socket again
 *                        ▲                                                  (`transport: 'poll'`: for ever)
 *                        └── nothing answers: wait, longer each time
 *
 * Whatever link it is, first `resume` settles what the worker holds, then unacknowledged reports are sent again, and
 * only then tasks are taken.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #end: AbortSignal;
  #link: Link | undefined;
  #stopping = false;
  #workerId = '';

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#end = options.holdings.signal;
  }

  get workerId(): string {
    return this.#workerId;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  /** @throws ColonyError, ColonyNetworkError */
  async register(): Promise<void> {
    this.#workerId = await this.#options.register();
  }

  /** Sends a report now, if there is a way; if not, it is sent with the next link. */
  deliver(report: Report): void {
    if (this.#link) this.#link.report(report);
    else if (this.#stopping) this.#options.http.report(report);
  }

  /** Sends everything unacknowledged by HTTP. */
  deliverAll(): void {
    for (const report of this.#options.outbox.all()) this.#options.http.report(report);
  }

  /** No more tasks; reports still go out. */
  stopTaking(): void {
    this.#stopping = true;
    if (!this.#link) {
      this.deliverAll();
      return;
    }
    const polling = this.#link instanceof PollLink;
    this.#link.stop();
    // A claim cut short may have been answered: what it took goes back at once.
    if (polling) void resume(this.#options.client, this.#workerId, this.#options.holdings).catch(() => {});
  }

  /** Gives up the link; unless it is stopping, another one follows. */
  restart(): void {
    if (this.#link instanceof SocketLink) this.#link.close();
    else this.#link?.stop();
  }

  /** Resolves when stopped and the last link is gone. */
  async run(): Promise<void> {
    const { transport } = this.#options;
    let failures = 0;
    let polls = 0;
    while (!this.#stopping && !this.#end.aborted) {
      try {
        const lived = transport === 'poll' ? undefined : await this.#bySocket();
        if (lived !== undefined) {
          polls = 0;
          failures = lived > SETTLED_MS ? 0 : failures + 1;
        } else {
          await this.#resume();
          failures = transport === 'socket' ? failures + 1 : 0;
          const pollMs = transport === 'poll' ? Number.POSITIVE_INFINITY : Math.min(MAX_POLL_MS, 1_000 * 2 ** polls++);
          if (transport !== 'socket') await this.#byPolling(pollMs);
        }
      } catch (error) {
        failures++;
        this.#complain(error);
      }
      if (!this.#stopping) await sleep(backoffMs(failures, 10_000), this.#end).catch(() => {});
    }
    this.deliverAll();
  }

  /** Resolves when the socket is gone, with how many milliseconds it lived; at once with undefined if it never opened. */
  async #bySocket(): Promise<number | undefined> {
    const { requester, events, http, free } = this.#options;
    const socket = connect(requester.base, '/ws/worker', { worker_id: this.#workerId }, requester.token);
    const link = new SocketLink(socket, events, http, free);
    if (!(await opened(socket, this.#end))) return undefined;
    const openedAt = performance.now();
    try {
      // Registered anew, this socket speaks for a worker that is no more.
      const same = await this.#resume();
      if (!same || this.#stopping) return 0;
      this.#use(link);
      link.start();
      await link.closed;
    } finally {
      this.#link = undefined;
      link.close();
    }
    return performance.now() - openedAt;
  }

  async #byPolling(durationMs: number): Promise<void> {
    const { client, events, http, free } = this.#options;
    if (this.#stopping) return;
    const link = new PollLink(client, this.#workerId, events, http, free);
    this.#use(link);
    try {
      await link.run(durationMs);
    } finally {
      this.#link = undefined;
    }
  }

  #use(link: Link): void {
    this.#link = link;
    for (const report of this.#options.outbox.all()) link.report(report);
    this.#options.onLink();
  }

  /** Settles what the worker holds. False when the kernel did not know it and it is registered anew. */
  async #resume(): Promise<boolean> {
    const { client, holdings } = this.#options;
    try {
      await resume(client, this.#workerId, holdings);
      return true;
    } catch (error) {
      if (!(error instanceof ColonyError) || error.code !== 'worker_not_found') throw error;
    }
    // Its tasks went back to the queue with it.
    for (const id of holdings.running()) holdings.lost(id);
    await this.register();
    return false;
  }

  /** Networks fail all the time; only what the kernel itself says is worth telling, and not at the end. */
  #complain(error: unknown): void {
    if (this.#stopping || !(error instanceof ColonyError) || error.code === 'worker_not_found') return;
    this.#options.events.failed(error);
  }
}
