import type { IdempotencyRecord } from '../core/store.ts';
import { known } from './relation.ts';

/** Text that everybody puts into the same order. */
const ASCII = /^[\x20-\x7e]*$/;

/** The idempotency keys as a slice knows them. */
export class UsedKeys {
  readonly #records = new Map<string, IdempotencyRecord | null>();
  /** None behind it, in the order of its characters, has been used; null: that is not known. */
  #last: string | null = null;

  survey(last: string | null): void {
    this.#last = last;
  }

  /** @param isAlone nobody else can have used one meanwhile */
  get(key: string, isAlone: boolean): IdempotencyRecord | null {
    return (
      this.#records.get(key) ?? (isAlone && this.#isNew(key) ? null : known(this.#records, key, 'idempotency key'))
    );
  }

  has(key: string, isAlone: boolean): boolean {
    return this.#records.has(key) || (isAlone && this.#isNew(key));
  }

  /** Keys are often made in order: one behind all that were used is new. */
  #isNew(key: string): boolean {
    return this.#last !== null && key > this.#last && ASCII.test(key);
  }

  learn(key: string, record: IdempotencyRecord | null): void {
    if (!this.#records.has(key)) this.#records.set(key, record);
  }

  absorb(key: string, record: IdempotencyRecord | null): void {
    this.#records.set(key, record);
    if (this.#last !== null && key > this.#last) this.#last = key;
  }

  clear(): void {
    this.#records.clear();
  }
}
