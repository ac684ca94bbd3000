import type { ColonyClient } from '../client.ts';
import { ColonyError } from '../errors.ts';
import { backoffMs } from '../http/backoff.ts';
import { sleep } from '../platform.ts';
import type { Progress } from './frames.ts';
import type { LinkEvents } from './link.ts';
import type { Report } from './outbox.ts';

/** Sends reports by single requests, each until it is answered. */
export class HttpReporter {
  readonly #client: ColonyClient;
  readonly #events: LinkEvents;
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<string>();

  constructor(client: ColonyClient, events: LinkEvents, signal: AbortSignal) {
    this.#client = client;
    this.#events = events;
    this.#signal = signal;
  }

  /** Does nothing for a report that is on its way already. */
  report(report: Report): void {
    if (this.#underWay.has(report.ref)) return;
    this.#underWay.add(report.ref);
    void this.#send(report).finally(() => this.#underWay.delete(report.ref));
  }

  progress(progress: Progress): void {
    const { taskId, leaseToken, fraction, message } = progress;
    this.#client.progress(taskId, leaseToken, { fraction, message }, { signal: this.#signal }).then(
      () => this.#events.progressed(progress),
      (error: unknown) => this.#events.progressed(progress, error instanceof ColonyError ? error.code : undefined),
    );
  }

  async #send(report: Report): Promise<void> {
    for (let failures = 0; !this.#signal.aborted; failures++) {
      try {
        await this.#post(report);
        this.#events.acknowledged(report.ref);
        return;
      } catch (error) {
        if (error instanceof ColonyError && error.status < 500 && error.status !== 429 && error.status !== 401) {
          this.#events.refused(report.ref, error.code, error.detail);
          return;
        }
      }
      await sleep(backoffMs(failures, 10_000), this.#signal).catch(() => {});
    }
  }

  #post({ taskId, leaseToken, outcome }: Report): Promise<unknown> {
    const options = { signal: this.#signal };
    if (outcome.type === 'complete') {
      return this.#client.complete(taskId, leaseToken, JSON.parse(outcome.result), options);
    }
    if (outcome.type === 'fail') return this.#client.fail(taskId, leaseToken, outcome, options);
    return this.#client.release(taskId, leaseToken, options);
  }
}
