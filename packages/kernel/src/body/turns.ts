/**
 * Shares out the thread. What may take long is done in pieces, each of some milliseconds at most; when enough was done,
 * what is left waits until the event loop has been round, so that all others are served between. First come, first served,
 * and in each round as much as there is room for.
 */
export class Turns {
  readonly #whenServed: (resume: () => void) => void;
  readonly #waiting: (() => number)[] = [];
  #spent = 0;

  /** @param whenServed calls back once whatever else waits at this moment was served, as `setImmediate` does */
  constructor(whenServed: (resume: () => void) => void) {
    this.#whenServed = whenServed;
  }

  /** How many pieces wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Does a piece at once, as nearly always, and answers null; or when it is its turn, and answers when that was done.
   * @param piece answers what it took, in about the time it takes to search a character
   */
  do(piece: () => number): Promise<void> | null {
    if (this.#spent < WORK_IN_A_ROUND && this.#waiting.length === 0) {
      this.#spent += piece();
      return null;
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          const work = piece();
          resolve();
          return work;
        } catch (error) {
          reject(error);
          return 0;
        }
      });
      if (this.#waiting.length === 1) this.#whenServed(this.#advance);
    });
  }

  readonly #advance = (): void => {
    this.#spent = 0;
    do this.#spent += this.#waiting.shift()!();
    while (this.#spent < WORK_IN_A_ROUND && this.#waiting.length > 0);
    if (this.#waiting.length > 0) this.#whenServed(this.#advance);
  };
}

/** A few milliseconds. The last piece of a round may be a large one, which takes as long again three times. */
const WORK_IN_A_ROUND = 1_000_000;
