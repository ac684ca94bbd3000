import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kernel } from '../body/kernel.ts';
import type { Sockets } from './sockets.ts';
import type { EventStream } from './sse.ts';

/** How long each step may take, in milliseconds; together well under the ten seconds a stop may last. */
const ANSWER_MS = 4000;
const KERNEL_MS = 3000;
const GOODBYE_MS = 1000;
const LOOK_EVERY_MS = 20;

/** What a stop has to do with. */
export interface ShutdownParts {
  readonly server: Server;
  readonly sockets: Sockets;
  readonly streams: ReadonlySet<EventStream>;
  readonly stopping: AbortController;
  readonly kernel: Kernel;
}

/**
 * A graceful stop, in the order in which nothing is lost: no new connections, long polls answer at once, requests in
 * flight are answered, workers' sockets get their last acknowledgements, the kernel writes its last entry, watchers
 * see it and are told to go, and what still holds on is cut off.
 */
export class Shutdown {
  readonly #parts: ShutdownParts;
  #run: Promise<void> | undefined;

  constructor(parts: ShutdownParts) {
    this.#parts = parts;
  }

  run(): Promise<void> {
    this.#run ??= this.#stop();
    return this.#run;
  }

  async #stop(): Promise<void> {
    const { server, sockets, streams, stopping, kernel } = this.#parts;
    stopping.abort();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await within(ANSWER_MS, Promise.all([sockets.stopWorkers(), this.#answered()]));
    await within(KERNEL_MS, kernel.stop());
    sockets.closeWatchers();
    for (const stream of streams) stream.end('stopping');
    // What was an event stream is a connection like any other now.
    const idle = setInterval(() => server.closeIdleConnections(), LOOK_EVERY_MS);
    await within(GOODBYE_MS, closed);
    clearInterval(idle);
    sockets.terminateAll();
    server.closeAllConnections();
  }

  /** Settles when no connection has a request in flight; sockets and event streams do not count. */
  async #answered(): Promise<void> {
    const { server, sockets, streams } = this.#parts;
    const deadline = performance.now() + ANSWER_MS;
    for (;;) {
      server.closeIdleConnections();
      const open = await new Promise<number>((resolve) => server.getConnections((_fault, count) => resolve(count)));
      if (open <= sockets.size + streams.size || performance.now() > deadline) return;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  await Promise.race([work, sleep(limitMs, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}
