import type { Progress } from './frames.ts';

/**
 * The newest progress of each task. One report a task is on its way at a time, so a handler that reports in a tight
 * loop sends as fast as the kernel answers, and only ever its newest state.
 */
export class ProgressBoard {
  readonly #send: (progress: Progress) => void;
  /** Tasks with a report on its way, and what to send after it. */
  readonly #tasks = new Map<string, Progress | undefined>();

  constructor(send: (progress: Progress) => void) {
    this.#send = send;
  }

  put(progress: Progress): void {
    const underWay = this.#tasks.has(progress.taskId);
    this.#tasks.set(progress.taskId, underWay ? progress : undefined);
    if (!underWay) this.#send(progress);
  }

  answered(taskId: string): void {
    const next = this.#tasks.get(taskId);
    this.#tasks.delete(taskId);
    if (next) this.put(next);
  }

  /** The task has ended here. */
  forget(taskId: string): void {
    this.#tasks.delete(taskId);
  }

  /** Nothing that was on its way will be answered: the connection is another one. */
  reset(): void {
    const waiting = [...this.#tasks.values()];
    this.#tasks.clear();
    for (const progress of waiting) if (progress) this.put(progress);
  }
}
