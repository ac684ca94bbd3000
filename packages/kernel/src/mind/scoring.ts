import type { JsonObject } from '../core/json.ts';
import { type MindRules, TERMS, type Term } from '../core/mind-rules.ts';
import type { Task } from '../core/task.ts';
import { freeSlots, type Worker } from '../core/worker.ts';
import { eligibility, type LaneFacts } from './eligibility.ts';
import { type Expectation, expectation } from './experience.ts';
import { matches } from './matching.ts';

/**
 * Who of several that could take a task should. Each term is a number from 0 to 1; the score is their mean, weighted, over
 * those of which something can be said, and to it comes what the worker has waited:
 *
 *   success      the share of its attempts at such tasks that succeed, newer ones counting more
 *   speed        how long the fastest of these workers takes, over how long it takes; ½ when that is not known of it
 *   free_slots   the share of its slots that are free
 *   preferences  the share of the task's preferences that it meets
 *   fit          1 when it can do no more than is asked, less the more it could do besides
 *   nearness     how near the task is in meaning to what it did well before
 *   wait         minutes that it has waited: without a bound, so that nobody waits for ever
 */
export interface Scored {
  readonly worker: Worker;
  readonly score: number;
  readonly scores: Scores;
}

export type Scores = Readonly<Partial<Record<Term | 'wait', number>>>;

/** A worker that could take the task now. */
export interface Contender {
  readonly worker: Worker;
  /** Slots that were free and have been given away in the same breath. */
  readonly taken: number;
  readonly waitedMs: number;
}

/** In the order of the contenders. */
export function score(
  contenders: readonly Contender[],
  task: Pick<Task, 'id' | 'spec'>,
  lane: LaneFacts,
  { weights, nearness }: MindRules,
  wall: number,
): Scored[] {
  let fastest = Number.POSITIVE_INFINITY;
  const expected = contenders.map(({ worker }) => {
    const one = expectation(worker.experience, lane.capabilities, wall);
    if (one.meanMs !== null && one.meanMs < fastest) fastest = one.meanMs;
    return one;
  });
  // Nobody is preferred to oneself; so what the task says need not be read.
  const isContested = contenders.length > 1;
  const preferences = isContested ? preferencesOf(task) : NO_PREFERENCES;
  const mayTell = isContested && nearness !== null && weights.nearness > 0;
  const nearnesses = mayTell
    ? nearness(
        task,
        contenders.map(({ worker }) => worker),
      )
    : null;
  return contenders.map(({ worker, taken, waitedMs }, at) => {
    const near = nearnesses?.[at] ?? null;
    const wait = Math.max(0, waitedMs) / 60_000;
    const scores: { -readonly [T in keyof Scores]: Scores[T] } & { readonly wait: number } = {
      success: expected[at]!.success,
      speed: speedOf(expected[at]!, fastest),
      free_slots: Math.max(0, freeSlots(worker) - taken) / worker.profile.maxConcurrentTasks,
      fit: eligibility(worker, lane),
      wait,
    };
    if (preferences.length > 0) scores.preferences = share(preferences, worker);
    if (near !== null) scores.nearness = near;
    return { worker, score: mean(scores, weights) + weights.wait * wait, scores };
  });
}

/** Weighted, over the terms of which something is said. */
function mean(scores: Scores, weights: MindRules['weights']): number {
  let sum = 0;
  let weight = 0;
  for (const term of TERMS) {
    const value = scores[term];
    if (value === undefined) continue;
    sum += weights[term] * value;
    weight += weights[term];
  }
  return weight > 0 ? sum / weight : 0;
}

function speedOf({ meanMs }: Expectation, fastest: number): number {
  if (meanMs === null) return 0.5;
  return meanMs <= fastest ? 1 : fastest / meanMs;
}

const NO_PREFERENCES: JsonObject[] = [];
/** So many count: a task may have any number, and each is held against every contender. */
const MOST_PREFERENCES = 100;

/** One by one, each as if it were required. */
function preferencesOf({ spec }: Pick<Task, 'spec'>): JsonObject[] {
  const wished = Object.entries(spec.value.preferences).filter(([, value]) => value !== null);
  return wished.slice(0, MOST_PREFERENCES).map(([key, value]) => ({ [key]: value }));
}

function share(preferences: readonly JsonObject[], worker: Worker): number {
  return preferences.filter((one) => matches(worker, one)).length / preferences.length;
}

/** The place of the best; of equals the first. */
export function best(scored: readonly Scored[]): number {
  let found = 0;
  for (let at = 1; at < scored.length; at++) if (scored[at]!.score > scored[found]!.score) found = at;
  return found;
}
