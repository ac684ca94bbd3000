import type { ColonyClient } from '../client.ts';

/**
 * The worker and the kernel may disagree about what the worker holds: an assignment got lost on its way here (the
 * kernel thinks we hold it, and every heartbeat would keep it so), or a lease was lost while the connection was down.
 *
 * After a reconnect this is settled at once by `resume`, before any credit is given or any claim made, so that no
 * assignment can be on its way. While connected one always may be, hence `Reconciler` asks what the kernel thinks, and
 * gives a task back only if it was unknown here two times in a row: by then an assignment under way has arrived.
 */
export async function resume(client: ColonyClient, workerId: string, holdings: Holdings): Promise<void> {
  await client.heartbeat(workerId, { tasks: holdings.all(), signal: holdings.signal });
  const running = holdings.running();
  if (running.length === 0) return;
  const { current_tasks } = await client.getWorker(workerId, { signal: holdings.signal });
  for (const id of missing(running, current_tasks)) holdings.lost(id);
}

export interface Holdings {
  /** Tasks whose handlers run. */
  running(): string[];
  /** The same and those whose reports are not acknowledged. */
  all(): string[];
  /** The kernel says that this one is not ours any more. */
  lost(taskId: string): void;
  /** The kernel wants this worker to end. */
  draining(): void;
  readonly signal: AbortSignal;
}

export class Reconciler {
  readonly #client: ColonyClient;
  readonly #holdings: Holdings;
  #unknownBefore = new Set<string>();

  constructor(client: ColonyClient, holdings: Holdings) {
    this.#client = client;
    this.#holdings = holdings;
  }

  /** To be called every now and then. */
  async check(workerId: string): Promise<void> {
    const holdings = this.#holdings;
    const before = holdings.running();
    const { current_tasks, draining } = await this.#client.getWorker(workerId, { signal: holdings.signal });
    if (draining) holdings.draining();
    // What ran before the question was asked and is not in the answer was taken away.
    for (const id of missing(before, current_tasks)) holdings.lost(id);

    const unknown = new Set(missing(current_tasks, holdings.all()));
    const lost = [...unknown].filter((id) => this.#unknownBefore.has(id));
    this.#unknownBefore = unknown;
    if (lost.length === 0) return;
    const tasks = [...new Set([...missing(current_tasks, lost), ...holdings.all()])];
    await this.#client.heartbeat(workerId, { tasks, signal: holdings.signal });
  }
}

/** Those of `ids` that are not among `others`. */
function missing(ids: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return ids.filter((id) => !known.has(id));
}
