/** What has been read and is kept to be searched again. */
interface Keepable {
  readonly rows: number;
  readonly bytes: number;
}

/** It is made anew when that many of its rows are gone, and a quarter of all. */
const MOST_GONE = 1000;

/** Things by their numbers, as many of them as there is room for: those stay that were used last. */
export class Kept<T extends Keepable> {
  readonly #mostBytes: number;
  readonly #things = new Map<number, T>();
  /** Those for which alone there is no room. */
  readonly #large = new Set<number>();

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    let bytes = 0;
    for (const thing of this.#things.values()) bytes += thing.bytes;
    return bytes;
  }

  fits(no: number, bytes: number): boolean {
    return bytes <= this.#mostBytes && !this.#large.has(no);
  }

  /** @param rows how many rows there are by now */
  use(no: number, rows: number, make: () => T): T {
    let thing = this.#things.get(no);
    if (!thing || thing.rows - rows > Math.max(MOST_GONE, rows / 4)) thing = make();
    this.#things.delete(no);
    this.#things.set(no, thing);
    return thing;
  }

  /** Lets go what was used longest ago. */
  makeRoom(): void {
    let { bytes } = this;
    for (const [no, thing] of this.#things) {
      if (bytes <= this.#mostBytes) return;
      if (this.#things.size === 1) this.#large.add(no);
      this.#things.delete(no);
      bytes -= thing.bytes;
    }
  }
}
