import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { ColonyNetworkError, ColonyTimeoutError } from '../errors.ts';
import { builtin } from '../platform.ts';
import type { Transport, TransportRequest, TransportResponse, TransportStream } from './transport.ts';

/** Failures that come before a connection exists: the request was never sent. */
const UNSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** The transport for Node: connections are kept and reused; idle ones do not keep the process alive. */
export class NodeTransport implements Transport {
  readonly #http: typeof import('node:http') | typeof import('node:https');
  readonly #agent: Agent;

  constructor(protocol: string) {
    const http = protocol === 'https:' ? builtin('node:https') : builtin('node:http');
    if (!http) throw new Error('NodeTransport needs Node');
    this.#http = http;
    // First in, last out: what is busy stays warm, and connections nobody needs any more time out.
    this.#agent = new http.Agent({ keepAlive: true, scheduling: 'lifo' });
  }

  send(request: TransportRequest): Promise<TransportResponse> {
    return this.#start(request, (response, resolve, reject) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        body += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, header: headerOf(response), body }));
      response.on('error', reject);
    });
  }

  stream(request: TransportRequest): Promise<TransportStream> {
    return this.#start(request, (response, resolve) => {
      response.setEncoding('utf8');
      const body = pieces(response, request.signal);
      const close = () => void response.destroy();
      resolve({ status: response.statusCode ?? 0, header: headerOf(response), body, close });
    });
  }

  #start<T>(
    request: TransportRequest,
    onResponse: (response: IncomingMessage, resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> {
    const { method, url, body, signal, timeoutMs } = request;
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const headers: Record<string, string | number> = { ...request.headers };
      if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
      const started = this.#http.request(url, { method, headers, agent: this.#agent });

      let settled = false;
      const settle = () => {
        settled = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (error: unknown) => {
        if (settled) return;
        settle();
        reject(error);
      };
      const onAbort = () => {
        fail(signal?.reason);
        started.destroy();
      };
      const onTimeout = () => {
        fail(new ColonyTimeoutError(`${method} ${url} got no answer within ${timeoutMs} ms`));
        started.destroy();
      };
      const timer = Number.isFinite(timeoutMs) ? setTimeout(onTimeout, timeoutMs) : undefined;
      signal?.addEventListener('abort', onAbort, { once: true });
      const broken = (error: NodeJS.ErrnoException) => fail(networkError(started, method, url, error));

      started.on('error', broken);
      started.on('response', (response: IncomingMessage) => {
        const done = (value: T) => {
          settle();
          resolve(value);
        };
        onResponse(response, done, broken);
      });
      started.end(body);
    });
  }
}

function networkError(request: ClientRequest, method: string, url: string, error: NodeJS.ErrnoException) {
  // A name with several addresses fails with an AggregateError that has a code but no message of its own.
  const unsent = error.code !== undefined && UNSENT.has(error.code) && !request.reusedSocket;
  const text = error.message || error.code || 'connection failed';
  return new ColonyNetworkError(`${method} ${url} failed: ${text}`, { cause: error, unsent });
}

function headerOf(response: IncomingMessage): (name: string) => string | null {
  return (name) => {
    const value = response.headers[name];
    return Array.isArray(value) ? value.join(', ') : (value ?? null);
  };
}

async function* pieces(response: IncomingMessage, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const onAbort = () => response.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const piece of response) yield piece as string;
  } catch (error) {
    signal?.throwIfAborted();
    throw new ColonyNetworkError(`the answer broke off: ${(error as Error).message}`, { cause: error });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    response.destroy();
  }
}
