import type { FastifyReply } from 'fastify';
import { type FieldError, Refusal } from '../core/errors.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** RFC 9457 problem details: the one form in which the API says no. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  errors?: readonly FieldError[];
}

/** @param instance the path that was asked for */
export function problemOf(refusal: Refusal, instance: string): Problem {
  return {
    type: `urn:colonyos:problem:${refusal.code}`,
    title: refusal.title,
    status: refusal.status,
    detail: refusal.detail,
    instance,
    code: refusal.code,
    ...(refusal.errors && refusal.errors.length > 0 ? { errors: refusal.errors } : {}),
  };
}

/** Headers that go with a refusal, beside its body. */
export function problemHeaders(refusal: Refusal): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE };
  if (refusal.code === 'unauthorized') headers['www-authenticate'] = 'Bearer realm="colonyos"';
  if (refusal.code === 'shutting_down') headers.connection = 'close';
  const retryAfter = refusal.retryAfterSeconds ?? DEFAULT_RETRY_AFTER[refusal.code];
  if (retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfter)));
  return headers;
}

const DEFAULT_RETRY_AFTER: Readonly<Record<string, number>> = {
  rate_limited: 1,
  queue_full: 1,
  storage_unavailable: 1,
  shutting_down: 1,
};

export function sendRefusal(reply: FastifyReply, refusal: Refusal): void {
  const { url } = reply.request;
  const query = url.indexOf('?');
  const instance = query === -1 ? url : url.slice(0, query);
  reply
    .code(refusal.status)
    .headers(problemHeaders(refusal))
    .send(JSON.stringify(problemOf(refusal, instance)));
}

export function invalid(errors: readonly FieldError[]): Refusal {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const detail = first
    ? `${first.path === '' ? 'The body' : first.path} ${first.message}${more}.`
    : 'The request is not valid.';
  return new Refusal('validation_failed', detail, { errors });
}

export function invalidField(path: string, message: string): Refusal {
  return invalid([{ path, message }]);
}
