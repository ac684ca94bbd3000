import { ColonyError } from '../errors.ts';
import { backoffMs } from '../http/backoff.ts';
import type { AssignedTask } from '../types.ts';

/** How an attempt ended, as the kernel is to learn it. */
export type Outcome =
  | { readonly type: 'complete'; readonly result: string }
  | {
      readonly type: 'fail';
      readonly error: string;
      readonly errorTrace?: string | undefined;
      readonly retryable: boolean;
    }
  | { readonly type: 'release' };

/** An outcome on its way. `ref` is what the kernel's `ack` or `error` refers to. */
export interface Report {
  readonly ref: string;
  readonly taskId: string;
  readonly leaseToken: number;
  readonly outcome: Outcome;
}

/** The kernel will never accept this report, and that is as it should be: the task has moved on. */
export const MOOT: ReadonlySet<string> = new Set(['stale_lease', 'task_not_found', 'invalid_transition']);
/** The kernel could not accept it just now. */
const PASSING = new Set(['storage_unavailable', 'shutting_down', 'rate_limited', 'queue_full', 'internal_error']);

/**
 * Keeps every report until the kernel has acknowledged or finally refused it, across broken connections. Sending one
 * twice does no harm: the same outcome under the same lease is one outcome.
 */
export class Outbox {
  readonly #deliver: (report: Report) => void;
  readonly #onError: (error: Error) => void;
  readonly #reports = new Map<string, Report>();
  #lastRef = 0;
  #failures = 0;
  #whenEmpty: (() => void)[] = [];

  constructor(deliver: (report: Report) => void, onError: (error: Error) => void) {
    this.#deliver = deliver;
    this.#onError = onError;
  }

  add({ id: taskId, lease }: Pick<AssignedTask, 'id' | 'lease'>, outcome: Outcome): void {
    const report = { ref: String(++this.#lastRef), taskId, leaseToken: lease.token, outcome };
    this.#reports.set(report.ref, report);
    this.#deliver(report);
  }

  /** Oldest first. */
  all(): IterableIterator<Report> {
    return this.#reports.values();
  }

  has(report: Report): boolean {
    return this.#reports.has(report.ref);
  }

  acknowledge(ref: string): void {
    this.#failures = 0;
    this.#remove(ref);
  }

  refuse(ref: string, code: string, detail: string): void {
    const report = this.#reports.get(ref);
    if (!report) return;
    if (PASSING.has(code)) {
      setTimeout(() => this.has(report) && this.#deliver(report), backoffMs(this.#failures++));
      return;
    }
    if (report.outcome.type === 'complete' && !MOOT.has(code)) {
      // A result the kernel does not take (too large, too deep) will not become better by running the task again.
      const error = `the result was refused: ${detail}`;
      this.add(
        { id: report.taskId, lease: { token: report.leaseToken, expires_at: '' } },
        { type: 'fail', error, retryable: false },
      );
    }
    if (!MOOT.has(code)) this.#onError(new ColonyError({ status: 400, code, detail }));
    this.#remove(ref);
  }

  /** Resolves once everything is acknowledged or refused. */
  empty(): Promise<void> {
    if (this.#reports.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  #remove(ref: string): void {
    this.#reports.delete(ref);
    if (this.#reports.size > 0) return;
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}
