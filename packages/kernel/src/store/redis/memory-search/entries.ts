import { type Document, nameOf } from '../../../core/document.ts';
import type { RedisConnection } from '../../../redis/connection.ts';
import type { Documents } from '../documents.ts';
import type { Keys } from '../keys.ts';

/** One may be as long as some hundred thousand characters, or have none but its vector: so begin with a few. */
const FIRST_FEW = 16;
const MOST_AT_ONCE = 512;
/** So many characters are wanted at a time: what arrives together is taken apart together, and others wait for that. */
const AT_A_TIME = 256 * 1024;
const IDS_AT_A_TIME = 2000;

/** A page of them: those that were asked for and are there. */
interface Read {
  readonly asked: readonly string[];
  readonly found: readonly Document[];
}

/** Reads the entries of memory, some at a time, as many as are not too long together. */
export class Entries {
  readonly #redis: RedisConnection;
  readonly #documents: Documents;
  readonly #named: string;
  #few = FIRST_FEW;

  constructor(redis: RedisConnection, keys: Keys, documents: Documents) {
    this.#redis = redis;
    this.#documents = documents;
    this.#named = keys.named('memory');
  }

  async *read(ids: readonly string[]): AsyncGenerator<Read> {
    for (let from = 0; from < ids.length; ) {
      const asked = ids.slice(from, from + this.#few);
      from += asked.length;
      const found = await this.#documents.named(asked.map((id) => nameOf({ collection: 'memory', id })));
      yield { asked, found };
      const length = found.reduce((sum, { body }) => sum + lengthOf(body), 1);
      const fitting = Math.floor((AT_A_TIME * asked.length) / length);
      this.#few = Math.max(FIRST_FEW, Math.min(fitting, 2 * this.#few, MOST_AT_ONCE));
    }
  }

  /** All of a scope that are there from the beginning to the end; of others nothing is said. */
  async *of(scope: string): AsyncGenerator<Read> {
    let from = `[${scope}/`;
    // What follows the slash in the order of bytes.
    const end = `(${scope}0`;
    for (;;) {
      const range = ['ZRANGEBYLEX', this.#named, from, end, 'LIMIT', '0', String(IDS_AT_A_TIME)];
      const ids = (await this.#redis.send(...range)) as string[];
      yield* this.read(ids);
      if (ids.length < IDS_AT_A_TIME) return;
      from = `(${ids.at(-1)}`;
    }
  }
}

/** About how long it is: what may be long in it. */
function lengthOf(body: Document['body']): number {
  let length = 0;
  for (const value of Object.values(body)) length += typeof value === 'string' ? value.length : 100;
  return length;
}
