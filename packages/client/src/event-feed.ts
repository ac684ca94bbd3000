import type { ColonyEvent } from './event-types.ts';

/** Whether an event's type fits `task_completed`, `task_*` or `*`. */
export function fits(type: string, pattern: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}

/** One consumer's queue of events: filled by the socket, emptied by a `for await` loop. */
export class EventFeed implements AsyncIterableIterator<ColonyEvent> {
  readonly #onTake: () => void;
  readonly #onReturn: () => void;
  #events: ColonyEvent[] = [];
  #next = 0;
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: Error | undefined;

  constructor(onTake: () => void, onReturn: () => void) {
    this.#onTake = onTake;
    this.#onReturn = onReturn;
  }

  get size(): number {
    return this.#events.length - this.#next;
  }

  push(event: ColonyEvent): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** What is queued is still given out; then the loop ends, or throws `failure`. */
  end(failure?: Error): void {
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<ColonyEvent>> {
    while (this.size === 0) {
      if (this.#failure) throw this.#failure;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#events[this.#next++] as ColonyEvent;
    // Taking from the front of an array is not free; forget what was taken once it is the larger part.
    if (this.#next > 1_000 && this.#next * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#next);
      this.#next = 0;
    }
    this.#onTake();
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<ColonyEvent>> {
    this.end();
    this.#events = [];
    this.#next = 0;
    this.#onReturn();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
