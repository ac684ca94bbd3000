import type { Task } from './task.ts';

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
 * How near a task is in meaning to what a worker did well before, from 0 to 1; null: nothing is known of that. One that answers
 * anything else, or throws, is told of once, and keeps nobody from their tasks.
 */
export type Nearness = (task: Pick<Task, 'id' | 'spec'>, workerId: string) => number | null;

/** By what the mind chooses among workers. */
export interface MindRules {
  readonly weights: Weights;
  /** Null: nobody can tell. */
  readonly nearness: Nearness | null;
}
