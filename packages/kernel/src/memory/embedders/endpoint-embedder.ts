import type { Clock } from '../../core/clock.ts';
import type { Embedder } from '../../core/embedder.ts';
import { Breaker } from './breaker.ts';
import { type AttemptsOptions, ask, prove } from './endpoint/attempts.ts';
import { embeddingsUrl, shownUrl } from './endpoint/url.ts';
import { Gatherer } from './gather.ts';
import { settle } from './settle.ts';
import { vectorsOf } from './verdict.ts';

export interface EndpointOptions {
  /** `https://api.openai.com/v1`, or complete with `/embeddings`. */
  readonly url: string;
  readonly model: string;
  readonly apiKey: string | null;
  /** How long one request may take. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** From 0 up to 1, evenly. */
  readonly random: () => number;
  /** Told what is wrong when the endpoint is left alone for a while, and null when it works again. */
  readonly changed: (problem: string | null) => void;
}

/** Bounds that suit every service we know of: OpenAI takes 2048 texts and 300,000 tokens at once, others less. */
const MAX_TEXTS = 64;
const MAX_CHARACTERS = 100_000;
const MAX_AT_ONCE = 4;
/** So that a search need not wait until one of those has come to an end. */
const SPARE = 1;
const MAX_WAITING = 10_000;
const MAX_WAITING_CHARACTERS = 20_000_000;
const ATTEMPTS = 4;
const BACKOFF_MS = 500;
const MAX_WAIT_MS = 60_000;
const FAILURES = 5;
/** Searches wait a little longer than that; but not in a row for an endpoint that hangs. */
const LATE_MS = 4000;
const OPEN_MS = 15_000;
const MAX_OPEN_MS = 240_000;

/** Vectors of a model behind an HTTP API like OpenAI's: `POST /v1/embeddings`. */
export class EndpointEmbedder implements Embedder {
  readonly model: string;
  readonly #dimension: { length: number | null } = { length: null };
  readonly #gatherer: Gatherer;
  #isClosed = false;

  constructor({ url, model, apiKey, timeoutMs, clock, random, changed }: EndpointOptions) {
    this.model = `openai:${model}`;
    const target = embeddingsUrl(url);
    const options: AttemptsOptions = {
      name: shownUrl(target),
      url: target,
      model,
      apiKey,
      timeoutMs,
      dimension: this.#dimension,
      clock,
      random,
      breaker: new Breaker({
        clock,
        failures: FAILURES,
        openMs: OPEN_MS,
        maxOpenMs: MAX_OPEN_MS,
        longWaitMs: MAX_WAIT_MS,
        // Whoever is called off at the end was not failed by the endpoint.
        changed: (problem) => this.#isClosed || changed(problem),
      }),
      attempts: ATTEMPTS,
      backoffMs: BACKOFF_MS,
      maxWaitMs: MAX_WAIT_MS,
      lateMs: LATE_MS,
    };
    this.#gatherer = new Gatherer({
      maxTexts: MAX_TEXTS,
      maxCharacters: MAX_CHARACTERS,
      maxAtOnce: MAX_AT_ONCE,
      spare: SPARE,
      maxWaiting: MAX_WAITING,
      maxWaitingCharacters: MAX_WAITING_CHARACTERS,
      send: (texts, signal) =>
        settle(texts, {
          ask: (some, isSearch) => ask(options, some, signal, isSearch),
          prove: () => prove(options, signal),
        }),
    });
  }

  get dimension(): number | null {
    return this.#dimension.length;
  }

  embed(texts: readonly string[], signal?: AbortSignal, isAwaited = false): Promise<readonly Float32Array[]> {
    return vectorsOf(texts, (meant) => this.#gatherer.verdicts(meant, signal, isAwaited));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#gatherer.close();
  }
}
