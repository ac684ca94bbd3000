import type { CallOptions, SubmitManyOptions, SubmitOutcome, TaskPage, TaskQuery } from '../client-options.ts';
import { SubmitCoalescer, type SubmitOptions } from '../coalescer.ts';
import { ColonyError, ColonyTimeoutError } from '../errors.ts';
import type { ColonyEvent } from '../event-types.ts';
import { nextCursor } from '../http/links.ts';
import { parse, type Requester } from '../http/requester.ts';
import type { Explanation } from '../mind-types.ts';
import { sleep, uniqueKey } from '../platform.ts';
import { isTerminal, type Task, type TaskInput, type TaskStatus } from '../types.ts';
import { get, post, remove, segment } from './calls.ts';
import { WorkerRoutes } from './workers.ts';

/** Between two looks at a task for which the kernel cannot be asked to wait. */
const ASK_AGAIN_MS = 500;

/** What becomes of tasks, from the submitter's side. */
export abstract class TaskRoutes extends WorkerRoutes {
  readonly #submits: SubmitCoalescer;

  constructor(requester: Requester) {
    super(requester);
    this.#submits = new SubmitCoalescer(requester);
  }

  /**
   * Submits one task, durably and once. What is submitted at the same moment travels together. A task that the
   * guardian rejects is no error: its `status` is `rejected`.
   */
  submit(task: TaskInput, options?: SubmitOptions): Promise<Task> {
    return this.#submits.submit(task, options);
  }

  /**
   * Submits up to 1,000 tasks, all or none; the tasks in the same order. With `atomic: false` any number, each on its
   * own: then nothing is thrown, and each outcome has a `task` or an `error`.
   */
  submitMany(tasks: readonly TaskInput[], options?: SubmitManyOptions & { atomic?: true }): Promise<Task[]>;
  submitMany(tasks: readonly TaskInput[], options: CallOptions & { atomic: false }): Promise<SubmitOutcome[]>;
  async submitMany(
    tasks: readonly TaskInput[],
    options: SubmitManyOptions & { atomic?: boolean } = {},
  ): Promise<Task[] | SubmitOutcome[]> {
    const { atomic = true, idempotencyKey = uniqueKey(), signal } = options;
    if (!atomic) {
      const settled = await Promise.allSettled(tasks.map((task) => this.submit(task, { signal })));
      return settled.map((one) => (one.status === 'fulfilled' ? { task: one.value } : { error: one.reason }));
    }
    const headers = { 'idempotency-key': idempotencyKey };
    const call = { ...post('/tasks/batch', { tasks }, 'safe', signal), headers };
    return (await this.requester.json<{ tasks: Task[] }>(call)).tasks;
  }

  /** @param options.waitSeconds answer when the task has ended, or after that long (0..60) */
  getTask(id: string, options: CallOptions & { waitSeconds?: number } = {}): Promise<Task> {
    const { waitSeconds, signal } = options;
    const query = { wait: waitSeconds };
    return this.requester.json({ ...get(`/tasks/${segment(id)}`, signal), query, extraMs: (waitSeconds ?? 0) * 1000 });
  }

  /** Waits until the task has ended, however it ends. @param options.timeoutMs without it, for ever */
  async waitForTask(id: string, options: CallOptions & { timeoutMs?: number } = {}): Promise<Task> {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal } = options;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const leftMs = Math.max(0, deadline - performance.now());
      const held = this.requester.holds.take();
      const waitSeconds = held ? Math.min(30, Math.ceil(leftMs / 1000)) : 0;
      const task = await this.getTask(id, { waitSeconds, signal }).finally(
        () => held && this.requester.holds.giveBack(),
      );
      if (isTerminal(task)) return task;
      if (performance.now() >= deadline) {
        throw new ColonyTimeoutError(`task ${id} is still ${task.status} after ${timeoutMs} ms`);
      }
      if (!held) await sleep(Math.min(ASK_AGAIN_MS, leftMs), signal);
    }
  }

  /** The newest tasks first, one page of them. */
  async listTasks(query: TaskQuery = {}, options: CallOptions = {}): Promise<Task[]> {
    return (await this.listTasksPage(query, options)).tasks;
  }

  /** The same, with the cursor of the next page. */
  async listTasksPage(query: TaskQuery = {}, options: CallOptions = {}): Promise<TaskPage> {
    const call = { ...get('/tasks', options.signal), query: { ...query } };
    const answer = await this.requester.send(call);
    return { tasks: parse<Task[]>(answer, call), nextCursor: nextCursor(answer.header('link')) };
  }

  /** All tasks that match, newest first, fetched page by page as they are needed. */
  async *iterateTasks(query: TaskQuery = {}, options: CallOptions = {}): AsyncGenerator<Task> {
    let cursor = query.cursor;
    do {
      const page = await this.listTasksPage({ ...query, cursor }, options);
      yield* page.tasks;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  /** @param options.cascade its unfinished descendants too @throws ColonyError 409 when it has already ended */
  async cancelTask(id: string, options: CallOptions & { cascade?: boolean } = {}): Promise<void> {
    const call = { ...remove(`/tasks/${segment(id)}`, options.signal), query: { cascade: options.cascade } };
    // 409 at a second try may be the doing of the first one, whose answer got lost.
    const answer = await this.requester.send({ ...call, accept: [409] });
    if (answer.status !== 409) return;
    if (answer.retried > 0 && (await this.getTask(id, options)).status === 'cancelled') return;
    throw ColonyError.from(answer.status, answer.body);
  }

  /** Runs a task again that failed, timed out or was cancelled. @throws ColonyError 409 when it has not */
  retryTask(id: string, options: CallOptions = {}): Promise<Task> {
    return this.requester.json(post(`/tasks/${segment(id)}/retry`, undefined, 'unsent', options.signal));
  }

  /** The same for up to `limit` (100) tasks of one status, the newest that can run again. @returns how many */
  async retryTasks(
    which: { status: TaskStatus; tag?: string; limit?: number },
    options: CallOptions = {},
  ): Promise<number> {
    const { limit = 100 } = which;
    let retried = 0;
    let cursor: string | undefined;
    do {
      const body = { ...which, limit: limit - retried, ...(cursor === undefined ? {} : { cursor }) };
      const call = post('/tasks/retry', body, 'unsent', options.signal);
      const answer = await this.requester.json<{ retried: number; next_cursor?: string }>(call);
      retried += answer.retried;
      cursor = answer.next_cursor;
    } while (cursor !== undefined);
    return retried;
  }

  /** What the ledger says of one task, oldest first. */
  taskEvents(id: string, options: CallOptions = {}): Promise<(ColonyEvent & { id: number })[]> {
    return this.requester.json(get(`/tasks/${segment(id)}/events`, options.signal));
  }

  /** Why a task waits, or who got it and why. @throws ColonyError 404 */
  explain(id: string, options: CallOptions = {}): Promise<Explanation> {
    return this.requester.json(get(`/tasks/${segment(id)}/explain`, options.signal));
  }

  /** What would become of a task, were it submitted now, and who would get it; nothing is stored. */
  route(task: TaskInput, options: CallOptions = {}): Promise<Explanation> {
    return this.requester.json(post('/mind/route', task, 'safe', options.signal));
  }
}
