import { hash } from 'node:crypto';
import type { IdempotencyKey, NewTask } from '../core/command.ts';
import type { Refusal } from '../core/errors.ts';
import { canonicalJson, type JsonObject } from '../core/json.ts';
import { laneOf, requirementsKey } from '../core/lane.ts';
import { type TaskInput, toSpec } from '../core/task.ts';
import { newId } from './ids.ts';
import { invalidField } from './problem.ts';

const DEFAULT_TIMEOUT_SECONDS = 300;
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Turns what submitters send, already checked for shape, into tasks that the kernel can take. */
export class Intake {
  readonly #defaultTimeout: number;
  readonly #keys = new Map<string, string>();

  constructor(maxTimeoutSeconds: number) {
    this.#defaultTimeout = Math.min(DEFAULT_TIMEOUT_SECONDS, maxTimeoutSeconds);
  }

  /**
   * @param now wall time, from which `delay_seconds` counts
   * @param path where the task stands in the request, as the start of a JSON pointer
   */
  newTask(input: TaskInput, createdBy: string, now: number, path = ''): NewTask | Refusal {
    if (typeof input.run_at === 'string' && !isTime(input.run_at)) {
      return invalidField(`${path}/run_at`, 'must be a time such as 2026-01-31T12:00:00Z');
    }
    const spec = toSpec(input, createdBy, now);
    if (input.timeout_seconds === undefined) spec.timeout_seconds = this.#defaultTimeout;
    const json = JSON.stringify(spec);
    const lane = laneOf(this.#key(spec.requirements), input.group ?? null);
    return { id: newId(), spec, json, contentHash: hash('sha256', json), lane, path };
  }

  /** Tasks with equal requirements, and of one group, share a lane. There are few different ones, so their hashes are remembered. */
  #key(requirements: JsonObject): string {
    const text = JSON.stringify(requirements);
    let key = this.#keys.get(text);
    if (key === undefined) {
      key = requirementsKey(requirements);
      if (this.#keys.size >= MAX_KEYS || text.length > MAX_KEY_TEXT) this.#keys.clear();
      this.#keys.set(text, key);
    }
    return key;
  }
}

const MAX_KEYS = 4096;
const MAX_KEY_TEXT = 4096;

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
