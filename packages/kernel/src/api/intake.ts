import { hash } from 'node:crypto';
import type { IdempotencyKey, NewTask } from '../core/command.ts';
import type { Refusal } from '../core/errors.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import { type TaskInput, toSpec } from '../core/task.ts';
import { newId } from './ids.ts';
import { invalidField } from './problem.ts';

const DEFAULT_TIMEOUT_SECONDS = 300;
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** A task of a plan has its id before it is made: others depend on it. */
export interface Planned {
  readonly id: string;
  /** The keys that its payload refers to, and which tasks these are. */
  readonly resultsFrom?: Record<string, string>;
}

/** Turns what submitters send, already checked for shape, into tasks that the kernel can take. */
export class Intake {
  readonly #defaultTimeout: number;
  readonly #lanes = new Map<string, string>();

  constructor(maxTimeoutSeconds: number) {
    this.#defaultTimeout = Math.min(DEFAULT_TIMEOUT_SECONDS, maxTimeoutSeconds);
  }

  /**
   * @param now wall time, from which `delay_seconds` counts
   * @param path where the task stands in the request, as the start of a JSON pointer
   * @param plan what is known of a task of a plan beforehand
   */
  newTask(input: TaskInput, createdBy: string, now: number, path = '', plan?: Planned): NewTask | Refusal {
    if (typeof input.run_at === 'string' && !isTime(input.run_at)) {
      return invalidField(`${path}/run_at`, 'must be a time such as 2026-01-31T12:00:00Z');
    }
    const spec = toSpec(input, createdBy, now);
    if (input.timeout_seconds === undefined) spec.timeout_seconds = this.#defaultTimeout;
    if (plan?.resultsFrom) spec.results_from = plan.resultsFrom;
    const json = JSON.stringify(spec);
    const id = plan?.id ?? newId();
    return { id, spec, json, contentHash: hash('sha256', json), lane: this.#lane(spec.requirements), path };
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

function isTime(text: string): boolean {
  return RFC3339.test(text) && !Number.isNaN(Date.parse(text));
}

/** The scope of a caller's idempotency keys: who, where. */
export function idempotencyKey(scope: string, principal: string, key: string, body: unknown): IdempotencyKey {
  return { key: `${principal} ${scope} ${key}`, bodyHash: hash('sha256', canonicalJson(body)) };
}

/** The `Idempotency-Key` header: null when absent. */
export function readIdempotencyHeader(value: string | readonly string[] | undefined): string | null | Refusal {
  if (value === undefined) return null;
  if (typeof value === 'string' && isIdempotencyKey(value)) return value;
  return invalidField('header.Idempotency-Key', 'must be 1 to 255 printable characters');
}

export function isIdempotencyKey(value: unknown): value is string {
  return typeof value === 'string' && /^[\x20-\x7e]{1,255}$/.test(value);
}
