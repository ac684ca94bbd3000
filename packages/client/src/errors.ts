import type { FieldError, Problem } from './types.ts';

/** The kernel answered, and the answer was no. */
export class ColonyError extends Error {
  override readonly name = 'ColonyError';
  /** The HTTP status. */
  readonly status: number;
  /** What was refused, e.g. `task_not_found`, `stale_lease`; `http_<status>` when something else than a kernel spoke. */
  readonly code: string;
  /** A sentence that says what to do about it. */
  readonly detail: string;
  /** For `validation_failed`: what is wrong where. */
  readonly errors: readonly FieldError[];
  /** How long the kernel asks to wait before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(problem: Partial<Problem> & { status: number }, retryAfterMs?: number) {
    const code = problem.code ?? `http_${problem.status}`;
    const detail = problem.detail ?? problem.title ?? `The kernel answered ${problem.status}.`;
    super(`${code}: ${detail}`);
    this.status = problem.status;
    this.code = code;
    this.detail = detail;
    this.errors = problem.errors ?? [];
    this.retryAfterMs = retryAfterMs;
  }

  /** From an answer's body, whoever wrote it: a proxy's HTML page has no code and no detail. */
  static from(status: number, body: string, retryAfter?: string | null): ColonyError {
    const problem = parseProblem(body);
    return new ColonyError({ ...problem, status }, retryAfterMs(retryAfter));
  }
}

/** No answer came: the connection was refused, broke, or the name does not resolve. `cause` has the reason. */
export class ColonyNetworkError extends Error {
  override readonly name: string = 'ColonyNetworkError';
  /** Whether the request surely never reached the kernel. If not, it may have been carried out. */
  readonly unsent: boolean;

  constructor(message: string, options: { cause?: unknown; unsent?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.unsent = options.unsent ?? false;
  }
}

/** The deadline passed before an answer came. What was asked may have been carried out. `cause` is the last failure. */
export class ColonyTimeoutError extends ColonyNetworkError {
  override readonly name = 'ColonyTimeoutError';
}

/** Reads `Retry-After`, seconds or an HTTP date. */
export function retryAfterMs(header: string | null | undefined): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function parseProblem(body: string): Partial<Problem> {
  try {
    const value: unknown = JSON.parse(body);
    return value !== null && typeof value === 'object' ? (value as Partial<Problem>) : {};
  } catch {
    return {};
  }
}
