import type { Clock } from '../../../core/clock.ts';
import { discreet, type Secrets } from './discreet.ts';
import { shownUrl } from './url.ts';

/** What is known of an attempt that came to nothing. */
interface Circumstances {
  /** Whether the next attempt may well succeed. */
  readonly isPassing: boolean;
  /** How long the endpoint wants to be left alone; null: it did not say. */
  readonly waitMs?: number | null;
  /** Whether it may be one of the texts on which the endpoint fails. */
  readonly mayBeText?: boolean;
}

/** An attempt that came to nothing. `message` completes a sentence that begins with the endpoint. */
export class Failed extends Error {
  override readonly name = 'Failed';
  readonly isPassing: boolean;
  readonly waitMs: number | null;
  readonly mayBeText: boolean;

  constructor(message: string, { isPassing, waitMs = null, mayBeText = false }: Circumstances) {
    super(message);
    this.isPassing = isPassing;
    this.waitMs = waitMs;
    this.mayBeText = mayBeText;
  }
}

export interface Answered {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | null;
}

/** The key goes into a header, and nowhere else. */
export interface PostOptions extends Secrets {
  /** From sending to the last byte of the answer. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  readonly clock: Clock;
}

const MOST_REDIRECTS = 3;
const MOVED = [301, 302, 307, 308];
const LONGEST_SHOWN = 200;

/**
 * One request and its whole answer. Throws `Failed` when there is none, and the signal's reason. Faults of the client
 * below may quote what was sent, so nothing of them is passed on but their code.
 */
export async function post(options: PostOptions, body: string, signal: AbortSignal): Promise<Answered> {
  const { timeoutMs, clock } = options;
  const timeout = new AbortController();
  const stop = clock.timer(timeoutMs, () => timeout.abort());
  try {
    return await exchange(options, body, AbortSignal.any([signal, timeout.signal]));
  } catch (fault) {
    signal.throwIfAborted();
    if (timeout.signal.aborted) throw new Failed(`did not answer within ${timeoutMs / 1000} s`, { isPassing: true });
    if (fault instanceof Failed) throw fault;
    throw new Failed(`cannot be reached: ${codeOf(fault)}`, { isPassing: true });
  } finally {
    stop();
  }
}

async function exchange(options: PostOptions, body: string, signal: AbortSignal): Promise<Answered> {
  let { url } = options;
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(url, { method: 'POST', headers: headers(options), body, signal, redirect: 'manual' });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      if (redirects === MOST_REDIRECTS) throw new Failed('redirects again and again', { isPassing: false });
      url = redirected(url, response, options);
      continue;
    }
    return {
      status: response.status,
      body: await bodyOf(response, options.maxAnswerBytes),
      retryAfter: response.headers.get('retry-after'),
    };
  }
}

function headers({ apiKey }: PostOptions): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
  };
}

/** Within the origin only: elsewhere, neither the texts nor the key are meant to go. */
function redirected(url: URL, { status, headers }: Response, secrets: Secrets): URL {
  const location = headers.get('location');
  if (!MOVED.includes(status) || location === null || !URL.canParse(location, url.href)) {
    throw new Failed(`answered ${status}`, { isPassing: false });
  }
  const to = new URL(location, url);
  if (to.origin !== url.origin) {
    const where = discreet(shownUrl(to), secrets).slice(0, LONGEST_SHOWN);
    throw new Failed(`redirects to ${where}, which is another origin; nothing was sent there`, { isPassing: false });
  }
  return to;
}

async function bodyOf({ body }: Response, maxBytes: number): Promise<string> {
  if (body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop by a throw cancels the stream, and with it the connection.
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Failed(`answered with more than ${maxBytes} bytes`, { isPassing: false });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function codeOf(fault: unknown): string {
  const cause = (fault as { cause?: unknown }).cause as { code?: unknown; errors?: readonly unknown[] } | undefined;
  const code = cause?.code ?? (cause?.errors?.[0] as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'the connection failed';
}
