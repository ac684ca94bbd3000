import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A terminal and npm both pass a Ctrl-C on: what comes that soon is the same one. */
const SAME_MS = 500;

/** The first Ctrl-C asks for a clean end, the second takes what it gets. */
export class Interrupts {
  readonly #first = new AbortController();
  readonly #onSecond: () => void;
  #firstAt = 0;

  /** @param onSecond must be quick; then the process ends with 128 plus the signal's number */
  constructor(onSecond: () => void) {
    this.#onSecond = onSecond;
    for (const signal of SIGNALS) process.on(signal, this.#hear);
  }

  get signal(): AbortSignal {
    return this.#first.signal;
  }

  close(): void {
    for (const signal of SIGNALS) process.off(signal, this.#hear);
  }

  #hear = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (!this.#first.signal.aborted) {
      this.#firstAt = now;
      this.#first.abort();
    } else if (now - this.#firstAt > SAME_MS) {
      this.#onSecond();
      process.exit(128 + constants.signals[signal]);
    }
  };
}
