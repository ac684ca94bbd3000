/** So many a second, and so many at once. */
export class Allowance {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #since = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /** Whether there is one. */
  has(steady: number): boolean {
    if (this.#left < this.#burst) {
      const more = ((steady - this.#since) * this.#perSecond) / 1000;
      // Not each time a little: that adds up to less.
      if (more < 1) return this.#left >= 1;
      this.#left = Math.min(this.#burst, this.#left + more);
    }
    this.#since = steady;
    return this.#left >= 1;
  }

  /** As long as there is one, all of the amount is given, and what is beyond what there was is owed. */
  take(steady: number, amount = 1): boolean {
    if (!this.has(steady)) return false;
    this.#left -= amount;
    return true;
  }
}
