import { ColonyError, ColonyNetworkError, ColonyTimeoutError } from '../errors.ts';
import { nodeProcess, sleep } from '../platform.ts';
import { backoffMs } from './backoff.ts';
import { FetchTransport } from './fetch-transport.ts';
import { Holds } from './holds.ts';
import { NodeTransport } from './node-transport.ts';
import type { Transport, TransportRequest, TransportResponse, TransportStream } from './transport.ts';

export interface ClientOptions {
  /** Where the kernel is, e.g. `http://127.0.0.1:8000`; a path in it is kept as a prefix. */
  url: string | URL;
  token?: string | undefined;
  /** How long one call may take in all, retries included, in milliseconds; 30,000 unless given. */
  timeoutMs?: number | undefined;
  /** How often a call is repeated after its first try; 10 unless given. */
  retries?: number | undefined;
  /** Used instead of `node:http` or the global `fetch`. */
  fetch?: typeof fetch | undefined;
}

/** Without Node's own connections, which are as many as needed. */
const FETCH_HOLDS = 2;

export type Query = Record<string, string | number | boolean | undefined>;

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Query | undefined;
  /** JSON text. */
  body?: string | undefined;
  headers?: Record<string, string>;
  /**
   * What may be done when no answer came. `safe`: ask again, a second time changes nothing. `unsent`: only when the
   * first surely never arrived. A 429 or 503 is repeated either way: the kernel has said that it did nothing. A proxy's 502
   * or 504 is no answer.
   */
  repeat: 'safe' | 'unsent';
  /** Statuses beyond 2xx that are an answer and not an error. */
  accept?: readonly number[];
  /** Added to the client's `timeoutMs`, for answers the kernel holds back on purpose. */
  extraMs?: number;
  /** Instead of the client's `timeoutMs`. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export interface Answer extends TransportResponse {
  /** How many tries came before the one that was answered. */
  retried: number;
}

/** Sends calls: the address, the token, the deadline and the retries, the same for all of them. */
export class Requester {
  readonly base: string;
  readonly token: string | undefined;
  readonly timeoutMs: number;
  readonly holds: Holds;
  readonly #retries: number;
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    const url = new URL(options.url);
    this.base = (url.origin + url.pathname).replace(/\/+$/, '');
    this.token = options.token;
    this.timeoutMs = options.timeoutMs ?? 30_000;
    this.#retries = options.retries ?? 10;
    const node = nodeProcess()?.getBuiltinModule !== undefined && !options.fetch;
    this.holds = new Holds(node ? Number.POSITIVE_INFINITY : FETCH_HOLDS);
    this.#transport = node ? new NodeTransport(url.protocol) : new FetchTransport(options.fetch);
  }

  /** @throws ColonyError when refused, ColonyNetworkError when unanswered, the signal's reason when aborted. */
  async send(call: Call): Promise<Answer> {
    const request = this.#request(call);
    const deadline = performance.now() + request.timeoutMs;
    for (let retried = 0; ; retried++) {
      let failure: unknown;
      try {
        const response = await this.#transport.send(request);
        const { status } = response;
        if (status < 300 || call.accept?.includes(status)) return { ...response, retried };
        failure = ColonyError.from(status, response.body, response.header('retry-after'));
      } catch (error) {
        failure = error;
      }
      const now = performance.now();
      const wait = retried < this.#retries ? waitBefore(retried, failure, call) : undefined;
      if (wait === undefined || now + wait >= deadline) throw failure;
      await sleep(wait, call.signal);
      request.timeoutMs = Math.max(1, deadline - performance.now());
    }
  }

  /** The answer's JSON. */
  async json<T>(call: Call): Promise<T> {
    return parse<T>(await this.send(call), call);
  }

  /** An answer as it comes, without retries; the deadline is for its beginning only. */
  async stream(call: Call): Promise<TransportStream> {
    const response = await this.#transport.stream(this.#request(call));
    if (response.status < 300) return response;
    let body = '';
    for await (const piece of response.body) body += piece;
    throw ColonyError.from(response.status, body, response.header('retry-after'));
  }

  #request(call: Call): TransportRequest {
    if (LEADS_ELSEWHERE.test(call.path)) throw unnameable(call.path);
    const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (call.body !== undefined) headers['content-type'] = 'application/json';
    return {
      method: call.method,
      url: this.base + call.path + queryString(call.query),
      headers,
      body: call.body,
      timeoutMs: (call.timeoutMs ?? this.timeoutMs) + (call.extraMs ?? 0),
      signal: call.signal,
    };
  }
}

/** Nothing, `.` or `..` between slashes or at the end: an address never keeps these, whatever is done to them. */
const LEADS_ELSEWHERE = /\/(?:\.{0,2})(?:\/|$)/;

/** As the kernel would put it, could it be asked. */
function unnameable(path: string): ColonyError {
  const detail = `${path} leads elsewhere: an id, a key or a scope must not be empty, . or ..`;
  return new ColonyError({ status: 422, code: 'validation_failed', detail });
}

export function parse<T>(answer: TransportResponse, call: Pick<Call, 'method' | 'path'>): T {
  try {
    return JSON.parse(answer.body) as T;
  } catch (cause) {
    throw new ColonyNetworkError(`${call.method} ${call.path} was not answered with JSON`, { cause });
  }
}

export function queryString(query: Query | undefined): string {
  if (!query) return '';
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  return params.size > 0 ? `?${params}` : '';
}

/** Milliseconds to wait before another try; undefined when there should be none. */
function waitBefore(retried: number, failure: unknown, call: Call): number | undefined {
  if (failure instanceof ColonyError) {
    // A proxy's way to say that no answer came: the kernel itself never says so.
    if ((failure.status === 502 || failure.status === 504) && call.repeat === 'safe') return backoffMs(retried);
    if (failure.status !== 429 && failure.status !== 503) return undefined;
    return Math.max(failure.retryAfterMs ?? 0, backoffMs(retried));
  }
  // A timeout here means that the whole deadline has passed.
  if (!(failure instanceof ColonyNetworkError) || failure instanceof ColonyTimeoutError) return undefined;
  return call.repeat === 'safe' || failure.unsent ? backoffMs(retried) : undefined;
}
