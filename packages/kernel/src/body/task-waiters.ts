import type { Clock } from '../core/clock.ts';
import type { Store } from '../core/store.ts';
import { isTerminal, type Task } from '../core/task.ts';

/** Callers who want to know when a task has ended. */
export class TaskWaiters {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #listeners = new Map<string, Set<(task: Task | null) => void>>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The task once it has ended, or as it is after `waitMs` or when `signal` aborts. Null: no such task. */
  async wait(taskId: string, waitMs: number, signal: AbortSignal): Promise<Task | null> {
    let ended: (task: Task | null) => void = () => undefined;
    const end = new Promise<Task | null>((resolve) => {
      ended = resolve;
    });
    // Listens before it looks, so that an end in between is not missed.
    this.#listen(taskId, ended);
    try {
      const task = await this.#store.task(taskId);
      if (!task || isTerminal(task) || waitMs <= 0 || signal.aborted) return task;
      return (await Promise.race([end, this.#pause(waitMs, signal)])) ?? (await this.#store.task(taskId));
    } finally {
      this.#unlisten(taskId, ended);
    }
  }

  isAwaited(taskId: string): boolean {
    return this.#listeners.has(taskId);
  }

  /** A task has ended, as the ledger says. */
  async endedElsewhere(taskId: string): Promise<void> {
    if (!this.isAwaited(taskId)) return;
    const task = await this.#store.task(taskId);
    if (!task || isTerminal(task)) this.#tell(taskId, task);
  }

  /** Any of the tasks may have ended, or be gone, without a word in the ledger. */
  async lookAgain(): Promise<void> {
    await Promise.all([...this.#listeners.keys()].map((taskId) => this.endedElsewhere(taskId)));
  }

  /** A task has ended: whoever waited for it may go on. */
  ended(task: Task): void {
    this.#tell(task.id, task);
  }

  /** @param task null: there is no such task any more */
  #tell(taskId: string, task: Task | null): void {
    for (const listener of this.#listeners.get(taskId) ?? []) listener(task);
  }

  #pause(ms: number, signal: AbortSignal): Promise<null> {
    return new Promise((resolve) => {
      const cancel = this.#clock.timer(ms, () => resolve(null));
      signal.addEventListener('abort', () => {
        cancel();
        resolve(null);
      });
    });
  }

  #listen(taskId: string, listener: (task: Task | null) => void): void {
    const listeners = this.#listeners.get(taskId);
    if (listeners) listeners.add(listener);
    else this.#listeners.set(taskId, new Set([listener]));
  }

  #unlisten(taskId: string, listener: (task: Task | null) => void): void {
    const listeners = this.#listeners.get(taskId);
    if (listeners?.delete(listener) && listeners.size === 0) this.#listeners.delete(taskId);
  }
}
