import { builtin } from '../platform.ts';
import type { AssignedTask } from '../types.ts';
import type { HeartbeatOrder, HeartbeatReport } from './heartbeat-thread.ts';

/** Until the first lease tells how long they live. */
const DEFAULT_EVERY_MS = 10_000;
const LEAST_EVERY_MS = 250;

interface Thread {
  /** Resolves once it can beat, or it is certain that it never will. */
  readonly ready: Promise<void>;
  postMessage(order: HeartbeatOrder): void;
  stop(): void;
}

/** Keeps the worker's leases alive: three signs of life in the time a lease lives. */
export class Heartbeats {
  readonly #base: string;
  readonly #token: string | undefined;
  /** Sends one from this thread, where there can be no other. */
  readonly #beat: () => void;
  readonly #onGone: () => void;
  #thread: Thread | undefined;
  #everyMs = DEFAULT_EVERY_MS;
  #workerId = '';

  constructor(options: { base: string; token: string | undefined; beat: () => void; onGone: () => void }) {
    this.#base = options.base;
    this.#token = options.token;
    this.#beat = options.beat;
    this.#onGone = options.onGone;
  }

  /** Resolves once the heartbeats go on whatever a handler does to the event loop: before that it should have no task. */
  async start(workerId: string): Promise<void> {
    this.#workerId = workerId;
    this.#thread ??= startThread(
      (report) => report.gone === this.#url() && this.#onGone(),
      () => this.#useTimer(),
    );
    if (this.#thread) this.#order();
    else this.#useTimer();
    await this.#thread?.ready;
  }

  /** Both times are the kernel's, so this machine's clock does not matter. */
  learn(task: AssignedTask): void {
    const leaseMs = Date.parse(task.lease.expires_at) - Date.parse(task.started_at ?? '');
    if (!(leaseMs > 0)) return;
    const everyMs = Math.max(LEAST_EVERY_MS, Math.floor(leaseMs / 3));
    // A lease is given and written at slightly different times; only a real change is worth a message.
    if (Math.abs(everyMs - this.#everyMs) < this.#everyMs * 0.1) return;
    this.#everyMs = everyMs;
    this.#order();
  }

  stop(): void {
    this.#thread?.stop();
    this.#thread = undefined;
  }

  #url(): string {
    return `${this.#base}/workers/${encodeURIComponent(this.#workerId)}/heartbeat`;
  }

  #order(): void {
    const headers: Record<string, string> = this.#token ? { authorization: `Bearer ${this.#token}` } : {};
    this.#thread?.postMessage({ url: this.#url(), headers, everyMs: this.#everyMs });
  }

  /** Browsers, and programs bundled into one file, where the thread's file is not there. */
  #useTimer(): void {
    let timer: ReturnType<typeof setInterval> | undefined;
    this.#thread = {
      ready: Promise.resolve(),
      postMessage: ({ everyMs }) => {
        clearInterval(timer);
        timer = setInterval(this.#beat, everyMs);
      },
      stop: () => clearInterval(timer),
    };
    this.#order();
  }
}

function startThread(onReport: (report: HeartbeatReport) => void, onFailure: () => void): Thread | undefined {
  const threads = builtin('node:worker_threads');
  if (!threads || !import.meta.url.startsWith('file:')) return undefined;
  // From source, Node runs the .ts file as it is. (Not written as one expression: bundlers would look inside.)
  const file = import.meta.url.endsWith('.ts') ? './heartbeat-thread.ts' : './heartbeat-thread.js';
  const url = new URL(file, import.meta.url);
  const thread = new threads.Worker(url, { name: 'colony-heartbeat', execArgv: [] });
  let stopped = false;
  const ready = new Promise<void>((resolve) => {
    for (const event of ['online', 'error', 'exit'] as const) thread.once(event, () => resolve());
  });
  // From then on it is no reason for the process to stay.
  void ready.then(() => thread.unref());
  thread.on('message', onReport);
  thread.on('error', () => {
    if (!stopped) onFailure();
    stopped = true;
  });
  return {
    ready,
    postMessage: (order) => thread.postMessage(order),
    stop: () => {
      stopped = true;
      void thread.terminate();
    },
  };
}
