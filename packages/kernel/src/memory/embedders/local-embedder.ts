import type { Clock } from '../../core/clock.ts';
import { type Embedder, EmbeddingUnavailable } from '../../core/embedder.ts';
import { Breaker } from './breaker.ts';
import { Gatherer } from './gather.ts';
import { LOCAL_DIMENSION, LOCAL_MODEL } from './local/model.ts';
import { ModelThread } from './local/model-thread.ts';
import { LONGEST_LOCAL } from './local/windows.ts';
import { type Verdict, vectorsOf } from './verdict.ts';

export interface LocalOptions {
  readonly clock: Clock;
  /** Told what is wrong when the model is left alone for a while, and null when it works again. */
  readonly changed: (problem: string | null) => void;
  /** Another program for the thread than the model. */
  readonly program?: URL;
}

/** Few enough that a search need not wait long behind what is being filled in. */
const MAX_TEXTS = 16;
const MAX_CHARACTERS = LONGEST_LOCAL;
const MAX_WAITING = 10_000;
const MAX_WAITING_CHARACTERS = 20_000_000;
/** Of the longest jobs, many times what they need. */
const JOB_MS = 120_000;
const IDLE_MS = 600_000;
/** How long the model is left alone when its thread has ended; twice as long each further time. */
const OPEN_MS = 1000;
const MAX_OPEN_MS = 300_000;

/** Vectors of a model that comes in a package, in a thread of its own. Nothing leaves the machine. */
export class LocalEmbedder implements Embedder {
  readonly model = LOCAL_MODEL;
  readonly dimension = LOCAL_DIMENSION;
  readonly #thread: ModelThread;
  readonly #gatherer: Gatherer;
  readonly #breaker: Breaker;
  #isClosed = false;

  constructor({ clock, changed, program }: LocalOptions) {
    this.#thread = new ModelThread({ clock, jobMs: JOB_MS, idleMs: IDLE_MS, ...(program ? { program } : {}) });
    this.#breaker = new Breaker({
      ...{ clock, failures: 1, openMs: OPEN_MS, maxOpenMs: MAX_OPEN_MS, longWaitMs: MAX_OPEN_MS, changed },
    });
    this.#gatherer = new Gatherer({
      maxTexts: MAX_TEXTS,
      maxCharacters: MAX_CHARACTERS,
      // The thread does one thing at a time. A job that nobody waits for any more is soon done.
      maxAtOnce: 1,
      spare: 0,
      maxWaiting: MAX_WAITING,
      maxWaitingCharacters: MAX_WAITING_CHARACTERS,
      send: (texts) => this.#run(texts),
    });
  }

  /** Whether the model is in memory. */
  get isLoaded(): boolean {
    return this.#thread.isRunning;
  }

  embed(texts: readonly string[], signal?: AbortSignal, isAwaited = false): Promise<readonly Float32Array[]> {
    return vectorsOf(texts, (meant) => this.#gatherer.verdicts(meant, signal, isAwaited));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#gatherer.close();
    await this.#thread.end();
  }

  async #run(texts: readonly string[]): Promise<readonly Verdict[]> {
    const attempt = this.#breaker.enter();
    try {
      const verdicts = await this.#thread.run(texts);
      attempt.succeeded();
      return verdicts;
    } catch (fault) {
      if (!(fault instanceof EmbeddingUnavailable)) throw fault;
      if (this.#isClosed) attempt.abandoned();
      else attempt.failed(fault.message, null);
      throw new EmbeddingUnavailable(fault.message, Math.max(this.#breaker.openForMs, OPEN_MS));
    }
  }
}
