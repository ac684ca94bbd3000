/**
 * How many answers the kernel may hold back for this client at once. A browser opens six connections to a host, for all
 * its pages together; a held answer occupies one of them, and when none is left, submits and reports get stuck behind
 * those that wait. Whoever gets no hold asks again from time to time instead.
 */
export class Holds {
  #left: number;

  constructor(most: number) {
    this.#left = most;
  }

  /** Whether there was one left; it is to be given back then. */
  take(): boolean {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    return true;
  }

  giveBack(): void {
    this.#left += 1;
  }
}
