import { type Document, nameOf } from '../../../core/document.ts';
import type { RedisConnection } from '../../../redis/connection.ts';
import type { Documents } from '../documents.ts';
import type { Keys } from '../keys.ts';

/** So many are asked for at once; when few of them came, twice as many as those. */
const MOST_AT_ONCE = 512;
const FEWEST_AT_ONCE = 16;
/** So many bytes come at a time, or one entry: what arrives together is taken apart together, and others wait for that. */
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

  constructor(redis: RedisConnection, keys: Keys, documents: Documents) {
    this.#redis = redis;
    this.#documents = documents;
    this.#named = keys.named('memory');
  }

  async *read(ids: readonly string[]): AsyncGenerator<Read> {
    let many = MOST_AT_ONCE;
    for (let from = 0; from < ids.length; ) {
      const wanted = ids.slice(from, from + many);
      const names = wanted.map((id) => nameOf({ collection: 'memory', id }));
      const { count, found } = await this.#documents.first(names, AT_A_TIME);
      yield { asked: wanted.slice(0, count), found };
      from += count;
      many = Math.min(MOST_AT_ONCE, Math.max(FEWEST_AT_ONCE, 2 * count));
    }
  }

  /** How many a scope has. */
  async count(scope: string): Promise<number> {
    return (await this.#redis.send('ZLEXCOUNT', this.#named, ...boundsOf(scope))) as number;
  }

  /** All of a scope that are there from the beginning to the end; of others nothing is said. */
  async *of(scope: string): AsyncGenerator<Read> {
    const [first, end] = boundsOf(scope);
    let from = first;
    for (;;) {
      const range = ['ZRANGEBYLEX', this.#named, from, end, 'LIMIT', '0', String(IDS_AT_A_TIME)];
      const ids = (await this.#redis.send(...range)) as string[];
      yield* this.read(ids);
      if (ids.length < IDS_AT_A_TIME) return;
      from = `(${ids.at(-1)}`;
    }
  }
}

/** Where a scope's entries stand among all: "0" is what follows the slash in the order of bytes. */
function boundsOf(scope: string): [from: string, end: string] {
  return [`[${scope}/`, `(${scope}0`];
}
