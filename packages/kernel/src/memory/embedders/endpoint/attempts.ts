import type { Clock } from '../../../core/clock.ts';
import { EmbeddingUnavailable } from '../../../core/embedder.ts';
import type { Attempt, Breaker } from '../breaker.ts';
import { BatchRefused } from '../settle.ts';
import type { Verdict } from '../verdict.ts';
import { Failed } from './post.ts';
import { type RequestOptions, request } from './request.ts';

export interface AttemptsOptions extends RequestOptions {
  /** What the endpoint is called in what people read. */
  readonly name: string;
  readonly breaker: Breaker;
  readonly random: () => number;
  /** How often a request is made, the first time included. */
  readonly attempts: number;
  /** Up to so long is waited before the second attempt, and up to twice as long before each further one. */
  readonly backoffMs: number;
  /** An endpoint that wants to be left alone for longer than this is not waited for. */
  readonly maxWaitMs: number;
  /** Whoever has waited in vain for so long, and gives up, was failed by the endpoint. */
  readonly lateMs: number;
}

/**
 * Asks the endpoint for the vectors of texts, again where that may help. Throws `BatchRefused`, `EmbeddingUnavailable`
 * and the signal's reason.
 *
 * @param isSearch we are looking on which of several texts it fails: a failure is an answer to that, need not be asked
 *   for again and is not held against the endpoint
 */
export async function ask(
  options: AttemptsOptions,
  texts: readonly string[],
  signal: AbortSignal,
  isSearch = false,
): Promise<Verdict[]> {
  const { name, attempts, maxWaitMs, clock, breaker } = options;
  for (let made = 1; ; made++) {
    try {
      return await attempt(options, texts, signal, isSearch);
    } catch (fault) {
      if (!(fault instanceof Failed)) throw fault;
      const waitMs = (fault.waitMs ?? 0) + backoff(options, made);
      if (isSearch || made === attempts || !fault.isPassing || waitMs > maxWaitMs) {
        if (fault.mayBeText) throw new BatchRefused(`the endpoint ${fault.message}`, true);
        throw new EmbeddingUnavailable(`${name} ${fault.message}`, fault.waitMs ?? longestBackoff(options, made + 1));
      }
      // It is of no use to wait for being told so.
      if (breaker.openForMs > 0) throw new EmbeddingUnavailable(`${name} ${fault.message}`, breaker.openForMs);
      await pause(clock, waitMs, signal);
    }
  }
}

/** Resolves when the endpoint has a vector for a harmless text: if not, it was not for want of a better one. */
export async function prove(options: AttemptsOptions, signal: AbortSignal): Promise<void> {
  try {
    await reported(options, signal, options.breaker.enter(), harmless(options, signal));
  } catch (fault) {
    if (!(fault instanceof Failed)) throw fault;
    throw new EmbeddingUnavailable(`${options.name} ${fault.message}`, fault.waitMs ?? options.maxWaitMs);
  }
}

/**
 * One attempt. What others depend on is not tried with a text on which the endpoint may fail for ever; and the length that vectors
 * have from then on is that of this trial: if another one was what was wrong, there is another model behind the endpoint now.
 */
async function attempt(
  options: AttemptsOptions,
  texts: readonly string[],
  signal: AbortSignal,
  isSearch: boolean,
): Promise<Verdict[]> {
  const entered = options.breaker.enter();
  if (!entered.isTrial) return reported(options, signal, entered, request(options, texts, signal), isSearch);
  const dimension: { length: number | null } = { length: null };
  await reported(options, signal, entered, harmless({ ...options, dimension }, signal));
  options.dimension.length = dimension.length;
  return attempt(options, texts, signal, isSearch);
}

async function harmless(options: AttemptsOptions, signal: AbortSignal): Promise<readonly Verdict[]> {
  try {
    const [verdict] = await request(options, ['ok'], signal);
    if (typeof verdict !== 'string') return [];
    throw new Failed(`has no vector for any text: ${verdict}`, { isPassing: false });
  } catch (fault) {
    if (!(fault instanceof BatchRefused)) throw fault;
    throw new Failed(`refuses every text: ${fault.message}`, { isPassing: false });
  }
}

/** Lets the breaker know how an attempt ended. */
async function reported<T>(
  { name, clock, lateMs }: AttemptsOptions,
  signal: AbortSignal,
  entered: Attempt,
  attempted: Promise<T>,
  isSearch = false,
): Promise<T> {
  const begunAt = clock.now().steady;
  try {
    const result = await attempted;
    entered.succeeded();
    return result;
  } catch (fault) {
    if (fault instanceof Failed && !(isSearch && fault.mayBeText)) {
      entered.failed(`${name} ${fault.message}`, fault.waitMs);
    } else if (signal.aborted && clock.now().steady - begunAt >= lateMs) {
      entered.failed(`${name} did not answer as long as somebody waited for it`, null);
    } else {
      entered.abandoned();
    }
    throw fault;
  }
}

/** Anything up to the longest, so that those who failed together do not come back together. */
function backoff(options: AttemptsOptions, made: number): number {
  return Math.ceil(options.random() * longestBackoff(options, made));
}

function longestBackoff({ backoffMs, maxWaitMs }: AttemptsOptions, made: number): number {
  return Math.min(backoffMs * 2 ** (made - 1), maxWaitMs);
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stopped = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.timer(ms, () => {
      signal.removeEventListener('abort', stopped);
      resolve();
    });
    signal.addEventListener('abort', stopped, { once: true });
  });
}
