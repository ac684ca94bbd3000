/** What has been read and is kept to be searched again. */
interface Keepable {
  readonly rows: number;
  readonly bytes: number;
}

/** It is made anew when that many of its rows are gone, and a quarter of all. */
const MOST_GONE = 1000;

/** What one takes beside its rows: there may be very many that have few. */
const THING_BYTES = 2000;

/** Things by their numbers, as many of them as there is room for: those stay that were used last. */
export class Kept<T extends Keepable> {
  readonly #mostBytes: number;
  /** In the order of their last use, each with how much it took when that was last counted. */
  readonly #things = new Map<number, { readonly thing: T; bytes: number }>();
  /** Those for which alone there is no room. */
  readonly #large = new Set<number>();
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  fits(no: number, bytes: number): boolean {
    return bytes <= this.#mostBytes && !this.#large.has(no);
  }

  /** @param rows how many rows there are by now */
  use(no: number, rows: number, make: () => T): T {
    let kept = this.#things.get(no);
    if (!kept || kept.thing.rows - rows > Math.max(MOST_GONE, rows / 4)) {
      this.#bytes -= kept?.bytes ?? 0;
      kept = { thing: make(), bytes: 0 };
    }
    this.#things.delete(no);
    this.#things.set(no, kept);
    return kept.thing;
  }

  /** This one has grown, perhaps: lets go what was used longest ago. */
  makeRoom(no: number): void {
    const grown = this.#things.get(no);
    if (grown) {
      this.#bytes += THING_BYTES + grown.thing.bytes - grown.bytes;
      grown.bytes = THING_BYTES + grown.thing.bytes;
    }
    for (const [oldest, { bytes }] of this.#things) {
      if (this.#bytes <= this.#mostBytes) return;
      if (this.#things.size === 1) this.#large.add(oldest);
      this.#things.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
