import type { Assignment } from '../core/command.ts';

/**
 * A way to reach a worker that waits for tasks: an open socket, or a claim that is being held. The kernel hands it
 * tasks as long as it has credit.
 */
export interface WorkerLink {
  readonly workerId: string;
  /**
   * That it is there is a sign of life: so with a claim, which somebody must be waiting for. A socket may stay open
   * long after the other side has frozen, so it has to be heard of.
   */
  readonly isSignOfLife: boolean;
  /** Whether it is gone once it was given something. */
  readonly takesOnce?: boolean;
  /** Tasks it has just been given; their leases live until `leaseExpiresAt` (wall) unless renewed. */
  assign(assignments: readonly Assignment[], leaseExpiresAt: number): void;
  /** One of its tasks was taken away: stop working on it. */
  cancel(taskId: string, reason: string): void;
  /** It will be given nothing more. */
  drain(): void;
  /** It is no longer registered. */
  removed(): void;
}
