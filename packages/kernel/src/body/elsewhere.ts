import type { Clock } from '../core/clock.ts';
import type { LedgerEntry } from '../core/event.ts';
import type { Dispatcher } from './dispatcher.ts';
import { noticesOf } from './notices.ts';
import type { Presence } from './presence.ts';
import type { TaskWaiters } from './task-waiters.ts';

export interface ElsewhereOptions {
  readonly dispatcher: Dispatcher;
  readonly presence: Presence;
  readonly taskWaiters: TaskWaiters;
  readonly clock: Clock;
  /** Makes the kernel look at once whether somebody waits for work. */
  readonly kick: () => void;
  /** Entries may have been missed: all is to be looked at anew. */
  readonly onRollback: () => void;
  /** Something will be due in so many milliseconds. */
  readonly expect: (delayMs: number) => void;
}

/** What other kernels have committed, as the ledger tells it: who is connected or waits here learns of it. */
export class Elsewhere {
  readonly #options: ElsewhereOptions;

  constructor(options: ElsewhereOptions) {
    this.#options = options;
  }

  follow(entries: readonly LedgerEntry[]): void {
    const { dispatcher, kick } = this.#options;
    const unassigned = new Set<string | null>();
    let freed = false;
    for (const entry of entries) {
      if (BRINGS_WORK.has(entry.type)) unassigned.add(entry.taskId);
      else if (entry.type === 'task_assigned') unassigned.delete(entry.taskId);
      for (const notice of noticesOf(entry)) dispatcher.tell(notice);
      if (entry.workerId !== null && entry.type.startsWith('worker_')) this.#followWorker(entry, entry.workerId);
      if (FREES.has(entry.type)) {
        freed = true;
        if (entry.workerId !== null) dispatcher.refresh(entry.workerId);
      }
      if (ENDS.has(entry.type) && entry.taskId !== null) this.#tellWaiters(entry.taskId);
      if (mayWaitForTime(entry)) this.#options.expect(0);
    }
    if (unassigned.size > 0) dispatcher.refresh();
    if (unassigned.size > 0 || freed) kick();
    if (entries.some(isEndOfLoss)) this.#options.onRollback();
  }

  /** Whoever waits for the task asks again anyway, when the store cannot say at the moment. */
  #tellWaiters(taskId: string): void {
    this.#options.taskWaiters.endedElsewhere(taskId).catch(() => undefined);
  }

  #followWorker({ type }: LedgerEntry, workerId: string): void {
    const { presence, clock } = this.#options;
    if (type === 'worker_unregistered') presence.forget(workerId);
    else presence.follow(workerId, type === 'worker_offline', clock.now());
  }
}

/** After these a task may be queued that nobody has. */
const BRINGS_WORK = new Set(['task_submitted', 'task_queued', 'task_requeued', 'task_released']);
/** After these a worker, and the colony, may have room for another. */
const FREES = new Set([
  ...['task_completed', 'task_failed', 'task_timeout', 'task_cancelled', 'task_released', 'task_requeued'],
  ...['task_retry_scheduled', 'worker_online', 'worker_released'],
]);
const ENDS = new Set(['task_completed', 'task_failed', 'task_timeout', 'task_cancelled', 'task_rejected']);

/** The last of the entries that tell of a loss: those before it fill the numbers that were lost. */
function isEndOfLoss({ id, type, data }: LedgerEntry): boolean {
  return type === 'rollback_completed' && id > ((JSON.parse(data) as { lost_up_to?: number }).lost_up_to ?? 0);
}

/** Whether something may be due before long that nobody here knew of. */
function mayWaitForTime({ type, data }: LedgerEntry): boolean {
  return type === 'task_retry_scheduled' || (BRINGS_WORK.has(type) && data.includes('"status":"pending"'));
}
