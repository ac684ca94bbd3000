import { V7Generator } from 'uuidv7';

/** Random numbers are drawn from the system this many at a time: a call for each id costs more than the id. */
const AT_ONCE = 1024;

class RandomPool {
  readonly #pool = new Uint32Array(AT_ONCE);
  #next = AT_ONCE;

  nextUint32(): number {
    if (this.#next === AT_ONCE) {
      crypto.getRandomValues(this.#pool);
      this.#next = 0;
    }
    return this.#pool[this.#next++]!;
  }
}

const generator = new V7Generator(new RandomPool());

/** A new UUIDv7 (RFC 9562): ids grow with time, also within a millisecond. */
export function newId(): string {
  return generator.generate().toString();
}
