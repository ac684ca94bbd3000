import type { Task } from './task.ts';
import type { Worker } from './worker.ts';

/** What speaks for a worker when several could take a task, each from 0 to 1. */
export const TERMS = ['success', 'speed', 'free_slots', 'preferences', 'fit', 'nearness'] as const;
export type Term = (typeof TERMS)[number];

/** How much each of them counts, against the others; and how much a minute of waiting adds to the whole. */
export type Weights = Readonly<Record<Term | 'wait', number>>;

export const DEFAULT_WEIGHTS: Weights = {
  success: 3,
  speed: 1,
  free_slots: 1,
  preferences: 3,
  fit: 2,
  nearness: 2,
  wait: 1,
};

/**
 * How near a task is in meaning to what each of these workers did well before, from 0 to 1, in their order; null: nothing is
 * known of a worker, or of the task. One that answers anything else, or throws, is told of once, and keeps nobody from their tasks.
 */
export type Nearness = (
  task: Pick<Task, 'id' | 'spec'>,
  workers: readonly Worker[],
) => readonly (number | null)[] | null;

/** By what the mind chooses among workers. */
export interface MindRules {
  readonly weights: Weights;
  /** Null: nobody can tell. */
  readonly nearness: Nearness | null;
}
