import { setImmediate as turn } from 'node:timers/promises';

/** For so long others wait at the most. */
const SLICE_MS = 4;

/** Lets others have their turn while something long is under way. */
export class Pace {
  #end = performance.now() + SLICE_MS;

  async giveWay(): Promise<void> {
    await turn();
    this.#end = performance.now() + SLICE_MS;
  }

  get isTime(): boolean {
    return performance.now() >= this.#end;
  }

  /** Carries out what stops now and then to its end. */
  async carryOut<T>(steps: Iterator<void, T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      if (this.isTime) await this.giveWay();
    }
  }
}
