/**
 * The catalogue of everything the kernel may refuse, with its HTTP status and title. A refusal is a value: `decide`
 * returns it, the API turns it into `application/problem+json` (RFC 9457). What is thrown instead is a fault.
 */

export const PROBLEMS = {
  validation_failed: [422, 'The request does not have the expected shape'],
  dependency_cycle: [422, 'The dependencies form a cycle'],
  malformed_json: [400, 'The body is not valid JSON'],
  payload_too_large: [413, 'The body is too large'],
  unsupported_media_type: [415, 'The body must be JSON'],
  unauthorized: [401, 'A valid token is required'],
  forbidden: [403, 'This token may not do that'],
  origin_not_allowed: [403, 'This origin may not use the kernel'],
  host_not_allowed: [403, 'This host name may not be used to reach the kernel'],
  not_found: [404, 'There is no such route'],
  task_not_found: [404, 'There is no such task'],
  worker_not_found: [404, 'There is no such worker'],
  checkpoint_not_found: [404, 'There is no such checkpoint'],
  vote_not_found: [404, 'There is no such vote'],
  plan_not_found: [404, 'There is no such plan'],
  schedule_not_found: [404, 'There is no such schedule'],
  memory_key_not_found: [404, 'There is nothing under this key'],
  invalid_transition: [409, 'It is not in a state that allows this'],
  ballot_already_cast: [409, 'This participant has voted already'],
  not_a_participant: [403, 'Only those named when the vote was opened may vote'],
  stale_lease: [409, 'The lease is no longer live'],
  idempotency_conflict: [409, 'The idempotency key was used with another body'],
  version_mismatch: [412, 'It is at another version'],
  scope_too_large: [409, 'The scope is too large to be searched'],
  scope_full: [409, 'The scope holds as many keys as it may'],
  position_gone: [410, 'That position of the event stream does not exist'],
  rate_limited: [429, 'Too many requests'],
  queue_full: [429, 'The kernel has more waiting work than it may hold'],
  shutting_down: [503, 'The kernel is shutting down'],
  embedding_unavailable: [503, 'The model that says what texts mean does not answer'],
  storage_unavailable: [503, 'The store cannot be written'],
  internal_error: [500, 'The kernel failed'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing that is wrong with a request: `path` is a JSON pointer into the body or `query.<name>`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** A command the kernel will not carry out. Nothing has changed. `detail` says what to do about it. */
export class Refusal {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { errors?: readonly FieldError[]; retryAfterSeconds?: number } = {},
  ) {
    this.code = code;
    this.detail = detail;
    this.errors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }

  get title(): string {
    return PROBLEMS[this.code][1];
  }
}

/** The store cannot be written (or read) at the moment. Whatever was under way must not be acknowledged. */
export class StorageUnavailable extends Error {
  override readonly name = 'StorageUnavailable';
}

/** An assumption of the code itself is broken: always a bug, never the caller's fault. */
export class Bug extends Error {
  override readonly name = 'Bug';
}
