import { hash } from 'node:crypto';
import type { NewTask } from './command.ts';
import { canonicalJson, type JsonObject } from './json.ts';
import { type TaskInput, toSpec } from './task.ts';

const DEFAULT_TIMEOUT_SECONDS = 300;

/** A task of a plan has its id before it is made: others depend on it. */
export interface Planned {
  readonly id: string;
  /** The keys that its payload refers to, and which tasks these are. */
  readonly resultsFrom?: Record<string, string>;
}

/** Turns what somebody asks for, already checked, into a task that can be handed in: with an id, its text, hash and lane. */
export class TaskMaker {
  readonly #newId: () => string;
  readonly #defaultTimeout: number;
  readonly #lanes = new Map<string, string>();

  constructor(newId: () => string, maxTimeoutSeconds: number) {
    this.#newId = newId;
    this.#defaultTimeout = Math.min(DEFAULT_TIMEOUT_SECONDS, maxTimeoutSeconds);
  }

  /**
   * @param now wall time, from which `delay_seconds` counts
   * @param path where the task stands in the request, as the start of a JSON pointer
   * @param plan what is known of a task of a plan beforehand
   */
  make(input: TaskInput, createdBy: string, now: number, path = '', plan?: Planned): NewTask {
    const spec = toSpec(input, createdBy, now);
    if (input.timeout_seconds === undefined) spec.timeout_seconds = this.#defaultTimeout;
    if (plan?.resultsFrom) spec.results_from = plan.resultsFrom;
    const json = JSON.stringify(spec);
    const lane = this.#lane(spec.requirements);
    return { id: plan?.id ?? this.#newId(), spec, json, contentHash: hash('sha256', json), lane, path };
  }

  /** Tasks with equal requirements share a lane. There are few different ones, so their hashes are remembered. */
  #lane(requirements: JsonObject): string {
    const text = JSON.stringify(requirements);
    let lane = this.#lanes.get(text);
    if (lane === undefined) {
      // The original's label says nothing about who may run a task.
      const { beeId: _, ...matched } = requirements;
      lane = hash('sha256', canonicalJson(matched), 'base64url').slice(0, 22);
      if (this.#lanes.size >= MAX_LANES || text.length > MAX_LANE_TEXT) this.#lanes.clear();
      this.#lanes.set(text, lane);
    }
    return lane;
  }
}

const MAX_LANES = 4096;
const MAX_LANE_TEXT = 4096;
