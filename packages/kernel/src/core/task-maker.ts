import { hash } from 'node:crypto';
import type { NewTask } from './command.ts';
import type { JsonObject } from './json.ts';
import { laneOf, requirementsKey } from './lane.ts';
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
  readonly #keys = new Map<string, string>();

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
    const lane = laneOf(this.#key(spec.requirements), input.group ?? null);
    return { id: plan?.id ?? this.#newId(), spec, json, contentHash: hash('sha256', json), lane, path };
  }

  /** Tasks with equal requirements, and of one group, share a lane. There are few different ones, so their hashes are remembered. */
  #key(requirements: JsonObject): string {
    const text = JSON.stringify(requirements);
    let key = this.#keys.get(text);
    if (key === undefined) {
      key = requirementsKey(requirements);
      if (this.#keys.size >= MOST_KEYS || text.length > MOST_KEY_TEXT) this.#keys.clear();
      this.#keys.set(text, key);
    }
    return key;
  }
}

const MOST_KEYS = 4096;
const MOST_KEY_TEXT = 4096;
