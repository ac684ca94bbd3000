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
}

/** `busy` means no free slot. */
export function workerStatus(worker: Worker): WorkerStatus {
  if (worker.offline) return 'offline';
  return freeSlots(worker) > 0 ? 'idle' : 'busy';
}

export function freeSlots(worker: Worker): number {
  return Math.max(0, worker.profile.maxConcurrentTasks - worker.holds.length);
}
