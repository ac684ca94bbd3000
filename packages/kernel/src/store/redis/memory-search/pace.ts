/** For so long others wait at the most. */
const SLICE_MS = 4;

/**
 * Lets others have their turns while something long is under way. All that is long shares one pace: in each round of the event
 * loop it has one slice together, however much of it there is, and one more goes to who has waited longest.
 */
export class Pace {
  /** When the slice of this round is over; null: nobody has begun it. */
  #end: number | null = null;
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  giveWay(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  get isTime(): boolean {
    const now = performance.now();
    if (this.#end === null) {
      this.#end = now + SLICE_MS;
      this.#schedule();
    }
    return now >= this.#end;
  }

  /** Carries out what stops now and then to its end. */
  async carryOut<T>(steps: Iterator<void, T>): Promise<T> {
    for (;;) {
      if (this.isTime) await this.giveWay();
      const step = steps.next();
      if (step.done) return step.value;
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#end = null;
      this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }
}
