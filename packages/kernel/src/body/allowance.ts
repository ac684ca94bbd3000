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

  take(steady: number): boolean {
    if (!this.has(steady)) return false;
    this.#left--;
    return true;
  }
}
