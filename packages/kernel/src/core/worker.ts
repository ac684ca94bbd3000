import type { JsonObject } from './json.ts';

export interface Capability {
  name: string;
  category?: string | null;
  supported_languages?: string[] | null;
  max_complexity?: number | string | null;
}

/** What a worker says of itself when it registers. It never changes, so matching may be remembered per profile. */
export interface WorkerProfile {
  readonly name: string;
  readonly capabilities: readonly Capability[];
  readonly attributes: JsonObject;
  readonly maxConcurrentTasks: number;
}

export const WORKER_STATUSES = ['idle', 'busy', 'offline', 'error'] as const;
export type WorkerStatus = (typeof WORKER_STATUSES)[number];

/** One worker as a store keeps it. Replaced as a whole, like a task. */
export interface Worker {
  readonly id: string;
  readonly version: number;
  readonly profile: WorkerProfile;
  /** The tasks it holds a live lease on, oldest first. */
  readonly holds: readonly string[];
  readonly offline: boolean;
  readonly draining: boolean;
  readonly registeredAt: number;
  /** Wall time of its last sign of life, as of the last write; presence knows it exactly. */
  readonly lastHeartbeat: number;
  readonly completed: number;
  readonly failed: number;
  /** Run time of all its completed and failed attempts together, in milliseconds. */
  readonly busyMs: number;
  /** How its newest attempts ended, the newest last: `0` completed, `1` failed. */
  readonly recent: string;
  /** What it has shown it can do, the capability it was asked for last at the end. */
  readonly experience: readonly Experience[];
  /** It fails far more than the colony does; null: it does not. */
  readonly quarantine: Quarantine | null;
}

/** Attempts at tasks that asked for a capability ('' when they asked for none), counted less the older they are. */
export interface Experience {
  readonly capability: string;
  /** As of `at` (wall); both with fractions. */
  readonly attempts: number;
  readonly successes: number;
  /** How long one took that succeeded, in milliseconds; of no meaning while there was none. */
  readonly meanMs: number;
  readonly at: number;
}

export interface Quarantine {
  /** Wall time until which it is given nothing. */
  readonly until: number;
  /** That is over: it is given one task, and what becomes of that decides. */
  readonly onTrial: boolean;
  /** How often it has been kept out, this time included. */
  readonly times: number;
}

/** `busy` means no free slot, `error` that it is in quarantine. */
export function workerStatus(worker: Worker): WorkerStatus {
  if (worker.offline) return 'offline';
  if (worker.quarantine && !worker.quarantine.onTrial) return 'error';
  return freeSlots(worker) > 0 ? 'idle' : 'busy';
}

export function freeSlots(worker: Worker): number {
  const slots = worker.quarantine ? Number(worker.quarantine.onTrial) : worker.profile.maxConcurrentTasks;
  return Math.max(0, slots - worker.holds.length);
}
