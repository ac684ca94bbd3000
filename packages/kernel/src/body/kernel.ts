import type { Answer, Assignment, Command, Rules } from '../core/command.ts';
import type { Refusal } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { Task } from '../core/task.ts';
import type { Worker } from '../core/worker.ts';
import type { EventRelay } from './event-relay.ts';
import type { WorkerLink } from './links.ts';

/** SKETCH of the public face; the body is being written. */
export declare class Kernel {
  readonly store: Store;
  readonly relay: EventRelay;
  readonly rules: Rules;
  readonly startedAt: number;

  /** Carries out a command: durable before it answers. Refusals are values; throws StorageUnavailable. */
  execute<C extends Command>(command: C): Promise<Answer<C>>;

  /** A sign of life. Answers false when there is no such worker. Brings an offline worker back online. */
  touch(workerId: string): Promise<boolean>;
  /** `POST /workers/{id}/heartbeat`: touch, tell watchers, requeue what the worker does not hold. */
  heartbeat(workerId: string, tasks: readonly string[] | undefined): Promise<Worker | Refusal>;
  /** Wall time at which the worker's leases expire if nothing more is heard of it. */
  leaseExpiresAt(workerId: string): number;
  /** Wall time of the worker's last sign of life. */
  lastHeartbeat(worker: Worker): number;

  /** Claims; with `waitMs` holds on until there is work, the time is over or `signal` aborts. */
  claim(workerId: string, max: number, waitMs: number, signal: AbortSignal): Promise<readonly Assignment[] | Refusal>;
  /** Opens a link for pushed tasks (a worker's socket). The returned function closes it. */
  attach(link: WorkerLink): () => void;
  /** Sets how many more tasks the link will take from now on. */
  credit(link: WorkerLink, slots: number): void;

  /** The task once it has ended, or as it is after `waitMs` or when `signal` aborts; null: no such task. */
  waitForTask(taskId: string, waitMs: number, signal: AbortSignal): Promise<Task | null>;
  /** Retries up to `limit` ended tasks; answers how many. */
  retryMany(
    query: { status: 'failed' | 'timeout' | 'cancelled'; tag?: string; limit: number },
    actor: string,
  ): Promise<number>;

  /** Whether it can serve: 'ok' or what is wrong, per part. */
  health(): { healthy: boolean; checks: Record<string, string> };
  /** Tasks executing now. */
  executing(): number;
  /** Commands waiting to be decided. */
  backlog(): number;
  /** Stops taking, answers what is in flight, writes `kernel_stopped`, closes the store. */
  stop(): Promise<void>;
}
