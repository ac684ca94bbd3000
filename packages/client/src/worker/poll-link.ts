import type { ColonyClient } from '../client.ts';
import { sleep } from '../platform.ts';
import type { Progress } from './frames.ts';
import type { HttpReporter } from './http-reporter.ts';
import type { Link, LinkEvents } from './link.ts';
import type { Report } from './outbox.ts';

const MAX_CLAIM = 100;
const WAIT_SECONDS = 20;
/** After an empty answer that came at once, where the kernel was asked to wait: draining or quarantined. */
const PAUSE_MS = 1_000;

/** Tasks by long poll, one claim at a time, so that whenever no claim is out it is certain what this worker holds. */
export class PollLink implements Link {
  readonly #client: ColonyClient;
  readonly #workerId: string;
  readonly #events: LinkEvents;
  readonly #http: HttpReporter;
  readonly #free: () => number;
  readonly #stop = new AbortController();
  #wake = () => {};

  constructor(client: ColonyClient, workerId: string, events: LinkEvents, http: HttpReporter, free: () => number) {
    this.#client = client;
    this.#workerId = workerId;
    this.#events = events;
    this.#http = http;
    this.#free = free;
  }

  /** Claims for about `durationMs`, or until stopped. @throws what a claim throws: its answer may be lost */
  async run(durationMs: number): Promise<void> {
    const { signal } = this.#stop;
    const end = performance.now() + durationMs;
    while (!signal.aborted && performance.now() < end) {
      const free = this.#free();
      if (free === 0) {
        await this.#slot(end - performance.now());
        continue;
      }
      const startedAt = performance.now();
      const waitSeconds = Math.min(WAIT_SECONDS, Math.max(1, Math.ceil((end - startedAt) / 1000)));
      const claim = { maxTasks: Math.min(MAX_CLAIM, free), waitSeconds, signal };
      const tasks = await this.#client.claim(this.#workerId, claim);
      for (const task of tasks) this.#events.assigned(task);
      const early = performance.now() - startedAt < Math.min(PAUSE_MS, waitSeconds * 500);
      if (tasks.length === 0 && early) await sleep(PAUSE_MS, signal).catch(() => {});
    }
  }

  report(report: Report): void {
    this.#http.report(report);
  }

  progress(progress: Progress): void {
    this.#http.progress(progress);
  }

  freed(): void {
    this.#wake();
  }

  stop(): void {
    this.#stop.abort(new Error('the worker is stopping'));
    this.#wake();
  }

  /** Waits for a free slot, or for `maxMs`. */
  #slot(maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      // The longest delay a timer takes is 2^31 - 1 ms.
      const timer = setTimeout(resolve, Math.min(maxMs, 2 ** 31 - 1));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
