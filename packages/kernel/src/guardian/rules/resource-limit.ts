import type { TaskSpec } from '../../core/task.ts';
import { BESIDE, type Members } from '../members.ts';
import type { ParsedRule, Subject } from '../policy.ts';
import { shown } from '../quote.ts';

/** The task's own fields that have a limit, by the name of the limit without `max_`. */
const FIELDS = {
  timeout_seconds: 'timeout_seconds',
  retries: 'max_retries',
  priority: 'priority',
} as const satisfies Record<string, keyof TaskSpec>;

const MAX_LIMITS = 50;
const LIMIT = /^max_[a-z0-9_]{1,60}$/;

/**
 * `max_<name>: number`, as many as there are. It is compared with `constraints.max_<name>`, with `constraints.<name>` and with
 * the task's own field. `max_payload_bytes` is the size of the payload's JSON.
 */
export function resourceLimit(members: Members): ParsedRule | null {
  const limits = new Map<string, number>();
  for (const name of members.rest()) {
    if (!LIMIT.test(name) || limits.size === MAX_LIMITS) continue;
    const limit = members.number(name, 'a number from 0', (value) => value >= 0);
    if (limit !== undefined) limits.set(name, limit);
  }
  members.finish(`a resource_limit has at most ${MAX_LIMITS} limits such as max_tokens, ${BESIDE}`);
  if (limits.size === 0 && members.errors.length === 0) {
    members.failWhole('needs at least one limit such as "max_tokens": 2000');
  }
  return { check: (subject) => [...limits].flatMap(([name, limit]) => exceeding(subject, name, limit)) };
}

function exceeding({ spec, json }: Subject, limitName: string, limit: number): string[] {
  const name = limitName.slice('max_'.length);
  const messages = [limitName, name].flatMap((key) => {
    const value = Object.hasOwn(spec.constraints, key) ? spec.constraints[key] : null;
    if (value === null || (typeof value === 'number' && value <= limit)) return [];
    return typeof value === 'number'
      ? [tooMuch(`constraints.${key}`, value, limit)]
      : [`constraints.${key} is ${shown(value)}; it must be a number to be held against the limit of ${limit}.`];
  });
  if (Object.hasOwn(FIELDS, name)) {
    const field = FIELDS[name as keyof typeof FIELDS];
    if (spec[field] > limit) messages.push(tooMuch(field, spec[field], limit));
  }
  // A character of JSON is at most three bytes, so most payloads need not be counted.
  if (name === 'payload_bytes' && json.length * 3 > limit) {
    const bytes = payloadBytes(spec);
    if (bytes > limit) messages.push(`payload has ${bytes} bytes of JSON; the most allowed is ${limit}.`);
  }
  return messages;
}

/** Several rules may ask for the size of the same payload. */
const counted = new WeakMap<TaskSpec, number>();

function payloadBytes(spec: TaskSpec): number {
  const known = counted.get(spec);
  if (known !== undefined) return known;
  const bytes = Buffer.byteLength(JSON.stringify(spec.payload));
  counted.set(spec, bytes);
  return bytes;
}

function tooMuch(where: string, value: number, limit: number): string {
  return `${where} is ${value}; the most allowed is ${limit}.`;
}
