import type { Clock } from '../core/clock.ts';
import { type Document, lengthOf } from '../core/document.ts';
import { Refusal } from '../core/errors.ts';
import {
  escapedKey,
  isRemembered,
  type MemoryEntry,
  type MemoryScope,
  memoryFrom,
  memoryId,
  memoryScopeFrom,
} from '../core/memory.ts';
import type { NamedQuery, Store } from '../core/store.ts';
import type { EmbeddingDesk } from './embedding-desk.ts';
import { type MemoryAnswer, type MemoryQuestion, searchMemory } from './memory-searching.ts';

const PAGE = 100;
/** A page ends early when what it was made from is this long, values may be, too; or so many. */
const MOST_CHARACTERS = 8 * 1024 * 1024;
const MOST_LOOKED_AT = 2000;

/** More searches than these do not wait for their turn: who asked has gone by then. */
const MOST_SEARCHES = 1000;
const TOO_MANY = new Refusal(
  'queue_full',
  `Memory is being searched ${MOST_SEARCHES} times already. Try again in a second.`,
  {
    retryAfterSeconds: 1,
  },
);

export interface MemoryQuery {
  /** What keys begin with. */
  readonly prefix: string;
  /** Only keys behind this one. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** A page of a listing: there may be fewer than were asked for, even none, although there are more. */
export interface Names<T> {
  readonly items: readonly T[];
  /** Behind which name the next page begins; null: this is the last one. */
  readonly next: string | null;
}

/** What is asked of memory. What has expired is not there any more, whether it has been removed yet or not. */
export class MemoryDesk {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #embedding: EmbeddingDesk;
  #searching = 0;

  constructor({ store, clock, embedding }: { store: Store; clock: Clock; embedding: EmbeddingDesk }) {
    this.#store = store;
    this.#clock = clock;
    this.#embedding = embedding;
  }

  async search(scope: string, question: MemoryQuestion): Promise<MemoryAnswer | Refusal> {
    if (this.#searching >= MOST_SEARCHES) return TOO_MANY;
    this.#searching++;
    try {
      const parts = { store: this.#store, clock: this.#clock, embedding: this.#embedding };
      return await searchMemory(scope, question, parts);
    } finally {
      this.#searching--;
    }
  }

  /** How many texts wait at this kernel for the model to say what they mean. */
  get textsWaiting(): number {
    return this.#embedding.waiting;
  }

  async entry(scope: string, key: string): Promise<MemoryEntry | null> {
    const document = await this.#store.document('memory', memoryId(scope, key));
    const entry = document && memoryFrom(document);
    return entry && isRemembered(entry, this.#clock.now().wall) ? entry : null;
  }

  /** In the order of their keys, by the bytes of UTF-8; but a space stands where % does. */
  entries(scope: string, { prefix, after, limit }: MemoryQuery): Promise<Names<MemoryEntry>> {
    const query = { collection: 'memory', prefix: `${scope}/${escapedKey(prefix)}` } as const;
    const from = after === undefined ? undefined : memoryId(scope, after);
    const now = this.#clock.now().wall;
    return this.#page(query, from, limit, (document) => {
      const entry = memoryFrom(document);
      return { name: entry.key, item: isRemembered(entry, now) ? entry : null };
    });
  }

  /** Those that hold something, in the order of their names. */
  scopes({ prefix, after, limit }: MemoryQuery): Promise<Names<MemoryScope>> {
    return this.#page({ collection: 'memory_scope', prefix }, after, limit, (document) => {
      const scope = memoryScopeFrom(document);
      return { name: scope.scope, item: scope.keys > 0 ? scope : null };
    });
  }

  async #page<T>(
    query: Pick<NamedQuery, 'collection' | 'prefix'>,
    from: string | undefined,
    limit: number,
    look: (document: Document) => Looked<T>,
  ): Promise<Names<T>> {
    const items: T[] = [];
    let last: string | null = null;
    let [after, looked, characters] = [from, 0, 0];
    for (;;) {
      const behind = after === undefined ? {} : { after };
      // Mostly nothing is passed over: one more than is wanted says whether there is more.
      const most = looked === 0 ? Math.min(PAGE, limit + 1) : PAGE;
      const maxCharacters = MOST_CHARACTERS - characters;
      const page = await this.#store.documentsNamed({ ...query, ...behind, limit: most, maxCharacters });
      for (const document of page.items) {
        const { name, item } = look(document);
        if (item !== null && items.length === limit) return { items, next: last };
        if (item !== null) items.push(item);
        last = name;
        looked++;
        characters += lengthOf(document);
      }
      if (!page.more) return { items, next: null };
      if (characters >= MOST_CHARACTERS || looked >= MOST_LOOKED_AT) return { items, next: last };
      after = page.items.at(-1)!.id;
    }
  }
}

/** What a document is called in its listing, and what of it is shown; null: it is passed over. */
interface Looked<T> {
  readonly name: string;
  readonly item: T | null;
}
