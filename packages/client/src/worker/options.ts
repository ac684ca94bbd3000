import type { ColonyClient } from '../client.ts';
import type { ColonyMemory } from '../memory.ts';
import type { AssignedTask, Capability, JsonObject } from '../types.ts';

/** Runs one task. What it returns is the result (anything JSON can hold); throwing fails the attempt. */
export type TaskHandler = (task: AssignedTask, context: TaskContext) => unknown;

export interface TaskContext {
  /**
   * Aborted when the task is no longer this worker's: cancelled, timed out, or its lease was lost. What the handler
   * returns or throws after that is discarded.
   */
  readonly signal: AbortSignal;
  /** The fencing token: hand it on to whatever the handler writes to. */
  readonly leaseToken: number;
  /** For submitting further tasks, with this task as their `parent_id`. */
  readonly client: ColonyClient;
  /** What agents know together: `memory.scope('team').get('plan')`. */
  readonly memory: ColonyMemory;
  /** Tells how far the task is, `fraction` from 0 to 1. The newest report wins; it never throws. */
  progress(fraction: number, message?: string): void;
}

export interface WorkerOptions {
  url: string | URL;
  token?: string | undefined;
  /** 1 to 200 characters; shown to people, matched by `requirements.worker`. */
  name: string;
  /** Names, or names with what belongs to them. */
  capabilities: readonly (string | Capability)[];
  attributes?: JsonObject | undefined;
  /** How many tasks run at once; 1 unless given. */
  concurrency?: number | undefined;
  handler: TaskHandler;
  /** `auto`: a socket, and claims by long poll while there is none. */
  transport?: 'auto' | 'socket' | 'poll' | undefined;
  /** How long `stop` lets handlers finish before it releases their tasks, in milliseconds; 30,000 unless given. */
  shutdownTimeoutMs?: number | undefined;
  /** Whether SIGTERM and SIGINT stop the worker (Node); true unless given. A second signal ends the process. */
  signals?: boolean | undefined;
  /** Told of what nobody awaits: a refused report, a token that is no longer valid. `console.warn` unless given. */
  onError?: ((error: Error) => void) | undefined;
}
