import type { Clock } from '../core/clock.ts';
import type { Rules } from '../core/command.ts';
import type { Embedder } from '../core/embedder.ts';
import type { StorageUnavailable } from '../core/errors.ts';
import type { EventBus } from '../core/event-bus.ts';
import type { Store } from '../core/store.ts';
import type { TaskMaker } from '../core/task-maker.ts';
import type { CheckpointRules } from './checkpoints.ts';
import type { Happened } from './happened.ts';
import type { SweepRules } from './sweeper.ts';

/** Told what happens, for logs and metrics. */
export interface KernelObserver {
  committed(happened: Happened): void;
  /**
   * A bound first holds back a task that an idle worker could run. @param by what it is called: `GROUP_BOUND`, or the id of one
   * of the policy's limits; null: the colony's limit
   */
  heldBack(by: string | null): void;
  storeFailed(error: StorageUnavailable): void;
  storeRepaired(): void;
  /** A failover or a start from an incomplete log has lost entries that were acknowledged, up to this one. */
  storeLost(upTo: number): void;
  /** Something that should never happen. */
  fault(error: unknown, about: string): void;
}

export interface KernelOptions {
  readonly store: Store;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly rules: Rules;
  readonly retention: SweepRules;
  readonly checkpoints: CheckpointRules;
  readonly observer: KernelObserver;
  readonly version: string;
  /** Makes what is handed in, by callers and by schedules. */
  readonly maker: TaskMaker;
  /** Says what texts in memory mean. */
  readonly embedder: Embedder;
  /** What workers do well is noted down, and counts when several could take a task. */
  readonly learns?: boolean;
  /** Evenly drawn from [0, 1). */
  readonly random: () => number;
  /** How long an outcome that nobody waits for may wait for company on its way to the disk; 0 = not at all. */
  readonly patienceMs: number;
}
