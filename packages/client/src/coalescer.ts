import { ColonyError, ColonyTimeoutError } from './errors.ts';
import { backoffMs } from './http/backoff.ts';
import type { Requester } from './http/requester.ts';
import { byteLength, uniqueKey } from './platform.ts';
import type { Problem, Task, TaskInput } from './types.ts';

/**
 * Submits made at the same moment travel together.
 *
 *   submit ──► waiting ──► in a request ──► its own outcome
 *                 ▲              │
 *                 └─ later ──────┘ (429, 503: this task was not taken; or the request was refused for a neighbour)
 *
 * A request leaves in the same turn of the event loop as the submit that asked for it: nobody waits for company. While
 * enough requests are under way, later submits gather and leave with the next one, so the batches grow with the load
 * and a lone submit pays nothing. Two requests keep a kernel busy; as long as they carry only a few tasks, more may
 * leave, so that a slow answer to one holds up nobody. A lone one is a batch of one: the kernel takes its key for the same
 * submission however it travels.
 */
const BUSY_REQUESTS = 2;
const MAX_REQUESTS = 8;
/** With fewer tasks than this under way, up to `MAX_REQUESTS` requests are. */
const FEW_TASKS = 16;
const MAX_TASKS = 1_000;
/** Well below the kernel's limit of 1 MiB for a body. */
const MAX_BYTES = 900_000;

/** The whole request was refused, perhaps because of one task in it: halves find out which. */
const DIVIDE = new Set([400, 413, 422]);

interface Submission {
  /** The task as JSON, its idempotency key included: the same bytes at every try. */
  readonly json: string;
  readonly bytes: number;
  readonly deadline: number;
  readonly resolve: (task: Task) => void;
  readonly reject: (reason: unknown) => void;
  retried: number;
  settled: boolean;
  unwatch?: () => void;
}

interface Outcome {
  status: number;
  task?: Task;
  error?: Partial<Problem> | string;
}

export interface SubmitOptions {
  /** Makes the submission happen once, however often it is sent; a random one unless given. Lives 24 h. */
  idempotencyKey?: string | undefined;
  /** Stops waiting. A task whose request has left may be submitted nevertheless. */
  signal?: AbortSignal | undefined;
}

export class SubmitCoalescer {
  readonly #requester: Requester;
  #waiting: Submission[] = [];
  /** All that are not settled, oldest first: their deadlines are in the same order. */
  readonly #open = new Set<Submission>();
  #requests = 0;
  #tasksUnderWay = 0;
  #scheduled = false;
  #expiry: ReturnType<typeof setTimeout> | undefined;

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  submit(task: TaskInput, options: SubmitOptions = {}): Promise<Task> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const json = withKey(task, options.idempotencyKey ?? uniqueKey());
      const submission: Submission = {
        json,
        bytes: byteLength(json),
        deadline: performance.now() + this.#requester.timeoutMs,
        resolve,
        reject,
        retried: 0,
        settled: false,
      };
      if (signal) this.#watch(submission, signal);
      this.#open.add(submission);
      this.#armExpiry();
      this.#enqueue([submission]);
    });
  }

  #watch(submission: Submission, signal: AbortSignal): void {
    const onAbort = () => this.#settle(submission, () => submission.reject(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    submission.unwatch = () => signal.removeEventListener('abort', onAbort);
  }

  #enqueue(submissions: readonly Submission[]): void {
    for (const submission of submissions) this.#waiting.push(submission);
    if (this.#scheduled || !this.#maySend) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      while (this.#maySend) {
        const batch = this.#take();
        if (batch.length === 0) break;
        void this.#send(batch);
      }
    });
  }

  get #maySend(): boolean {
    return this.#requests < BUSY_REQUESTS || (this.#requests < MAX_REQUESTS && this.#tasksUnderWay < FEW_TASKS);
  }

  #take(): Submission[] {
    let bytes = 0;
    let taken = 0;
    const batch: Submission[] = [];
    for (const submission of this.#waiting) {
      bytes += submission.bytes + 1;
      if (batch.length > 0 && (batch.length >= MAX_TASKS || bytes > MAX_BYTES)) break;
      taken++;
      if (!submission.settled) batch.push(submission);
    }
    this.#waiting = taken === this.#waiting.length ? [] : this.#waiting.slice(taken);
    return batch;
  }

  async #send(batch: readonly Submission[]): Promise<void> {
    this.#requests++;
    this.#tasksUnderWay += batch.length;
    try {
      const outcomes = await this.#post(batch);
      for (const [index, submission] of batch.entries()) this.#judge(submission, outcomes[index]);
    } catch (error) {
      this.#refuse(batch, error);
    } finally {
      this.#requests--;
      this.#tasksUnderWay -= batch.length;
      this.#enqueue([]);
    }
  }

  async #post(batch: readonly Submission[]): Promise<readonly Outcome[]> {
    const body = `{"tasks":[${batch.map(({ json }) => json).join(',')}],"atomic":false}`;
    const timeoutMs = Math.max(1, (batch.at(-1)?.deadline ?? 0) - performance.now());
    const call = { method: 'POST', path: '/tasks/batch', body, repeat: 'safe', timeoutMs } as const;
    return (await this.#requester.json<{ results: Outcome[] }>(call)).results;
  }

  #judge(submission: Submission, outcome: Outcome | undefined): void {
    const task = outcome?.task;
    if (task) {
      this.#settle(submission, () => submission.resolve(task));
      return;
    }
    const status = outcome?.status ?? 502;
    const problem = typeof outcome?.error === 'string' ? { detail: outcome.error } : outcome?.error;
    const wait = backoffMs(submission.retried);
    if ((status === 429 || status === 503) && performance.now() + wait < submission.deadline) {
      submission.retried++;
      setTimeout(() => this.#enqueue([submission]), wait);
      return;
    }
    this.#settle(submission, () => submission.reject(new ColonyError({ ...problem, status })));
  }

  #refuse(batch: readonly Submission[], error: unknown): void {
    if (error instanceof ColonyError && DIVIDE.has(error.status) && batch.length > 1) {
      const half = batch.length >> 1;
      void this.#send(batch.slice(0, half));
      void this.#send(batch.slice(half));
      return;
    }
    for (const submission of batch) this.#settle(submission, () => submission.reject(error));
  }

  #settle(submission: Submission, how: () => void): void {
    if (submission.settled) return;
    submission.settled = true;
    this.#open.delete(submission);
    submission.unwatch?.();
    how();
  }

  /** One timer for all, set for the oldest. It does not keep a process alive; the request under way does. */
  #armExpiry(): void {
    if (this.#expiry !== undefined) return;
    const [oldest] = this.#open;
    if (!oldest || !Number.isFinite(oldest.deadline)) return;
    this.#expiry = setTimeout(() => this.#expire(), Math.max(0, oldest.deadline - performance.now()));
    (this.#expiry as { unref?: () => void }).unref?.();
  }

  #expire(): void {
    this.#expiry = undefined;
    const now = performance.now();
    for (const submission of this.#open) {
      if (submission.deadline > now) break;
      const error = new ColonyTimeoutError(`the task was not accepted within ${this.#requester.timeoutMs} ms`);
      this.#settle(submission, () => submission.reject(error));
    }
    this.#armExpiry();
  }
}

function withKey(task: TaskInput, key: string): string {
  const json = JSON.stringify(task);
  if (json?.[0] !== '{') throw new TypeError('a task must be an object');
  return `${json.slice(0, -1)}${json.length > 2 ? ',' : ''}"idempotency_key":${JSON.stringify(key)}}`;
}
