import { hash } from 'node:crypto';
import type { IdempotencyKey, NewTask } from '../core/command.ts';
import type { Refusal } from '../core/errors.ts';
import { canonicalJson } from '../core/json.ts';
import type { TaskInput } from '../core/task.ts';
import type { Planned, TaskMaker } from '../core/task-maker.ts';
import { invalidField } from './problem.ts';

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Turns what submitters send, already checked for shape, into tasks that the kernel can take. */
export class Intake {
  readonly #maker: TaskMaker;

  constructor(maker: TaskMaker) {
    this.#maker = maker;
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
    return this.#maker.make(input, createdBy, now, path, plan);
  }
}

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
