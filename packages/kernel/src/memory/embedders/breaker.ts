import type { Clock } from '../../core/clock.ts';
import { EmbeddingUnavailable } from '../../core/embedder.ts';

export interface BreakerOptions {
  readonly clock: Clock;
  /** So many failures in a row, and it opens. */
  readonly failures: number;
  /** How long it is open the first time. Each failed trial doubles that, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** An endpoint that wants to be left alone for longer than this is, at its first failure already. */
  readonly longWaitMs: number;
  /** Told what failed last when it opens, and null when the endpoint works again. */
  readonly changed: (problem: string | null) => void;
}

/** How an attempt ended. One of the three is called, once. */
export interface Attempt {
  /** On it depends whether others may ask. */
  readonly isTrial: boolean;
  succeeded(): void;
  /** @param waitMs how long the endpoint itself wants to be left alone; null: it did not say */
  failed(problem: string, waitMs: number | null): void;
  /** It came to no end: it was called off. */
  abandoned(): void;
}

/** While a trial is under way, others should come back after about as long as that takes. */
const TRIAL_MS = 1000;

/**
 * Keeps an endpoint that does not work from being asked over and over, and whoever needs it from waiting each time.
 *
 * | state   | what happens                                     | and then                                          |
 * | ------- | ------------------------------------------------ | ------------------------------------------------- |
 * | closed  | everybody may ask                                | enough failures in a row, or told to → open       |
 * | open    | nobody may ask; they are told so at once         | after a while → trial                             |
 * | trial   | one may ask, the others are told to wait for it  | success → closed; failure → open, twice as long   |
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #problem: string | null = null;
  #openMs: number;
  #openUntil = 0;
  #isTrying = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#openMs = options.openMs;
  }

  /** Before each attempt. Throws `EmbeddingUnavailable` when it must not be made. */
  enter(): Attempt {
    const isTrial = this.#problem !== null;
    if (isTrial) this.#enterTrial(this.#problem!);
    return {
      isTrial,
      succeeded: () => this.#succeeded(),
      failed: (problem, waitMs) => (isTrial ? this.#trialFailed(problem, waitMs) : this.#failed(problem, waitMs)),
      abandoned: () => {
        if (isTrial) this.#isTrying = false;
      },
    };
  }

  /** How long nobody may ask; 0 when somebody may. */
  get openForMs(): number {
    return this.#problem === null ? 0 : Math.max(0, this.#openUntil - this.#options.clock.now().steady);
  }

  #enterTrial(problem: string): void {
    const leftMs = this.openForMs;
    if (leftMs > 0 || this.#isTrying) throw new EmbeddingUnavailable(problem, Math.max(leftMs, TRIAL_MS));
    this.#isTrying = true;
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#isTrying = false;
    this.#openMs = this.#options.openMs;
    if (this.#problem === null) return;
    this.#problem = null;
    this.#options.changed(null);
  }

  #failed(problem: string, waitMs: number | null): void {
    // It may have opened since this attempt was made, which then tells nothing new.
    if (this.#problem !== null) return;
    this.#failures += 1;
    if (this.#failures < this.#options.failures && (waitMs ?? 0) <= this.#options.longWaitMs) return;
    this.#open(problem, waitMs);
    this.#options.changed(problem);
  }

  #trialFailed(problem: string, waitMs: number | null): void {
    this.#isTrying = false;
    if (this.#problem === null) return;
    this.#openMs = Math.min(this.#openMs * 2, this.#options.maxOpenMs);
    this.#open(problem, waitMs);
  }

  #open(problem: string, waitMs: number | null): void {
    this.#problem = problem;
    this.#openUntil = this.#options.clock.now().steady + Math.max(this.#openMs, waitMs ?? 0);
  }
}
