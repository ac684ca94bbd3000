/** Remembers so many things: those that were used last. */
export class Newest<K, V> {
  readonly #most: number;
  readonly #all = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: K): V | undefined {
    const value = this.#all.get(key);
    if (value === undefined) return undefined;
    this.#all.delete(key);
    this.#all.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#all.delete(key);
    this.#all.set(key, value);
    if (this.#all.size > this.#most) this.#all.delete(this.#all.keys().next().value!);
  }
}
