/** Something that is asked now and then whether anybody is still there. */
export interface Connection {
  /** Called at every beat: ask, or give up. */
  beat(): void;
}

/** When the other side was last heard, and whether that is too long ago. */
export class Silence {
  readonly #limitMs: number;
  #heardAt = performance.now();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  broken(): void {
    this.#heardAt = performance.now();
  }

  get tooLong(): boolean {
    return performance.now() - this.#heardAt > this.#limitMs;
  }
}

/** One timer for all open connections. */
export class KeepAlive {
  readonly #connections = new Set<Connection>();
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** The returned function ends it. */
  add(connection: Connection): () => void {
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => {
      for (const each of this.#connections) each.beat();
    }, this.#intervalMs).unref();
    return () => {
      this.#connections.delete(connection);
      if (this.#connections.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }
}
