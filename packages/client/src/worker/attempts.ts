import type { AssignedTask } from '../types.ts';

/** One task in this worker's hands, under one lease. */
export interface Attempt {
  readonly task: AssignedTask;
  readonly abort: AbortController;
}

/**
 * What this worker holds, and what occupies its slots: these differ. A task that was taken away is no longer held, but
 * its handler occupies a slot until it returns.
 */
export class Attempts {
  readonly #concurrency: number;
  readonly #run: (attempt: Attempt) => Promise<void>;
  readonly #onFreed: () => void;
  readonly #held = new Map<string, Attempt>();
  /** Assigned beyond the slots. The kernel does not do that, unless handlers of revoked tasks linger. */
  #queue: Attempt[] = [];
  #running = 0;
  #whenIdle: (() => void)[] = [];

  constructor(concurrency: number, run: (attempt: Attempt) => Promise<void>, onFreed: () => void) {
    this.#concurrency = concurrency;
    this.#run = run;
    this.#onFreed = onFreed;
  }

  /** How many more tasks can start at once. */
  get free(): number {
    return Math.max(0, this.#concurrency - this.#running - this.#queue.length);
  }

  get held(): ReadonlyMap<string, Attempt> {
    return this.#held;
  }

  add(task: AssignedTask): void {
    const known = this.#held.get(task.id);
    if (known) {
      if (known.task.lease.token >= task.lease.token) return;
      this.revoke(task.id, 'the task was assigned anew');
    }
    const attempt = { task, abort: new AbortController() };
    this.#held.set(task.id, attempt);
    if (this.#running < this.#concurrency) void this.#start(attempt);
    else this.#queue.push(attempt);
  }

  /**
   * The task is no longer ours. Its handler is told; what it still says is not listened to.
   * @param leaseToken only if held under this lease
   */
  revoke(taskId: string, reason: string, leaseToken?: number): void {
    const attempt = this.#held.get(taskId);
    if (!attempt || (leaseToken !== undefined && attempt.task.lease.token !== leaseToken)) return;
    this.#forget(attempt);
    attempt.abort.abort(new DOMException(reason, 'AbortError'));
  }

  /** Takes back those that have not started. */
  takeQueued(): Attempt[] {
    const queued = this.#queue;
    this.#queue = [];
    for (const attempt of queued) this.#forget(attempt);
    return queued;
  }

  /** Resolves once no held task is being worked on. */
  idle(): Promise<void> {
    if (this.#held.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  async #start(attempt: Attempt): Promise<void> {
    this.#running++;
    await this.#run(attempt);
    this.#running--;
    this.#forget(attempt);
    const next = this.#queue.shift();
    if (next) void this.#start(next);
    this.#onFreed();
  }

  #forget(attempt: Attempt): void {
    // A newer attempt at the same task may have taken its place.
    if (this.#held.get(attempt.task.id) === attempt) this.#held.delete(attempt.task.id);
    this.#queue = this.#queue.length > 0 ? this.#queue.filter((one) => one !== attempt) : this.#queue;
    if (this.#held.size > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
