/**
 * Shares out the thread. What may take long is done in pieces, each of some milliseconds at most; when enough was done,
 * whoever wants to do more waits until the event loop has been round, so that all others are served between. First come,
 * first served.
 */
export class Turns {
  readonly #whenServed: (resume: () => void) => void;
  #waiting: (() => void)[] = [];
  #spent = 0;

  /** @param whenServed calls back once whatever else waits at this moment was served, as `setImmediate` does */
  constructor(whenServed: (resume: () => void) => void) {
    this.#whenServed = whenServed;
  }

  /** Whether there is room for another piece at once. Who is told no waits for `next`. */
  get isFree(): boolean {
    return this.#spent < WORK_IN_A_TURN && this.#waiting.length === 0;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Tells what a piece took, in about the time it takes to search a character. */
  spend(work: number): void {
    this.#spent += work;
  }

  /** Resolves when it is the caller's turn: one piece may be done then. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#whenServed(this.#advance);
    });
  }

  readonly #advance = (): void => {
    this.#spent = 0;
    this.#waiting.shift()!();
    if (this.#waiting.length > 0) this.#whenServed(this.#advance);
  };
}

/** A few milliseconds. The last piece of a turn may be a large one, which takes as long again three times. */
const WORK_IN_A_TURN = 1_000_000;
