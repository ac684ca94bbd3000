import { ColonyNetworkError, ColonyTimeoutError } from '../errors.ts';
import type { Transport, TransportRequest, TransportResponse, TransportStream } from './transport.ts';

/** The transport for browsers, and for whoever brings a `fetch` of their own. */
export class FetchTransport implements Transport {
  readonly #fetch: typeof fetch;

  constructor(fetchFunction: typeof fetch = (input, init) => globalThis.fetch(input, init)) {
    this.#fetch = fetchFunction;
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    return this.#start(request, async (response) => ({
      status: response.status,
      header: (name) => response.headers.get(name),
      body: await response.text(),
    }));
  }

  async stream(request: TransportRequest): Promise<TransportStream> {
    return this.#start(request, async (response) => ({
      status: response.status,
      header: (name) => response.headers.get(name),
      body: decode(response.body, request.signal),
      close: () => void response.body?.cancel().catch(() => {}),
    }));
  }

  async #start<T>(request: TransportRequest, read: (response: Response) => Promise<T>): Promise<T> {
    const { method, url, headers, body, signal, timeoutMs } = request;
    signal?.throwIfAborted();
    const controller = new AbortController();
    const onAbort = () => controller.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const timedOut = new ColonyTimeoutError(`${method} ${url} got no answer within ${timeoutMs} ms`);
    const timer = Number.isFinite(timeoutMs) ? setTimeout(() => controller.abort(timedOut), timeoutMs) : undefined;
    try {
      const init: RequestInit = { method, headers, signal: controller.signal, cache: 'no-store' };
      if (body !== undefined) init.body = body;
      return await read(await this.#fetch(url, init));
    } catch (error) {
      if (controller.signal.aborted) throw controller.signal.reason;
      throw new ColonyNetworkError(`${method} ${url} failed: ${reason(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** `fetch` says only "fetch failed"; what happened is in the cause, where there is one. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message;
}

async function* decode(body: ReadableStream<Uint8Array> | null, signal?: AbortSignal): AsyncGenerator<string> {
  if (!body) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const onAbort = () => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal?.throwIfAborted();
      if (done) break;
      yield decoder.decode(value, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    signal?.throwIfAborted();
    throw new ColonyNetworkError(`the answer broke off: ${reason(error)}`, { cause: error });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await reader.cancel().catch(() => {});
  }
}
