import { type TaskContext, type TaskHandler, Worker, type WorkerOptions } from '../src/index.ts';
import { FakeKernel } from './fake-kernel.ts';

/** A kernel, and workers of it that are stopped with it. */
export class Hive {
  kernel!: FakeKernel;
  readonly #workers: Worker[] = [];

  async open(): Promise<void> {
    this.kernel = await FakeKernel.start();
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.stop()));
    await this.kernel.stop();
  }

  async start(handler: TaskHandler, more: Partial<WorkerOptions> = {}): Promise<Worker> {
    const base = { url: this.kernel.url, name: 'ant', capabilities: ['dig'], signals: false, shutdownTimeoutMs: 50 };
    const worker = new Worker({ ...base, handler, ...more });
    this.#workers.push(worker);
    await worker.start();
    return worker;
  }
}

/** A handler that holds its tasks until told how to end them. */
export function holding() {
  const held = new Map<string, { context: TaskContext; finish: (result?: unknown) => void }>();
  const handler: TaskHandler = (task, context) =>
    new Promise((resolve) => void held.set(task.id, { context, finish: resolve }));
  return { held, handler };
}
