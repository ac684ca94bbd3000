import type { Clock } from '../core/clock.ts';
import type { Document } from '../core/document.ts';
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
import type { NamedQuery, Page, Store } from '../core/store.ts';
import type { EmbeddingDesk } from './embedding-desk.ts';
import { type MemoryAnswer, type MemoryQuestion, searchMemory } from './memory-searching.ts';

const PAGE = 100;
/** A page ends early when it is this long: values may be, too. */
const MOST_CHARACTERS = 8 * 1024 * 1024;

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

  async entry(scope: string, key: string): Promise<MemoryEntry | null> {
    const document = await this.#store.document('memory', memoryId(scope, key));
    const entry = document && memoryFrom(document);
    return entry && isRemembered(entry, this.#clock.now().wall) ? entry : null;
  }

  /** In the order of their keys, by the bytes of UTF-8. */
  async entries(scope: string, { prefix, after, limit }: MemoryQuery): Promise<Page<MemoryEntry>> {
    const query = { collection: 'memory', prefix: `${scope}/${escapedKey(prefix)}` } as const;
    const from = after === undefined ? undefined : memoryId(scope, after);
    const now = this.#clock.now().wall;
    return this.#page(query, from, limit, (document) => {
      const entry = memoryFrom(document);
      return isRemembered(entry, now) ? entry : null;
    });
  }

  /** Those that hold something, in the order of their names. */
  scopes({ prefix, after, limit }: MemoryQuery): Promise<Page<MemoryScope>> {
    return this.#page({ collection: 'memory_scope', prefix }, after, limit, (document) => {
      const scope = memoryScopeFrom(document);
      return scope.keys > 0 ? scope : null;
    });
  }

  /** @param shown null: it is passed over */
  async #page<T>(
    query: Pick<NamedQuery, 'collection' | 'prefix'>,
    from: string | undefined,
    limit: number,
    shown: (document: Document) => T | null,
  ): Promise<Page<T>> {
    const items: T[] = [];
    let [after, left] = [from, MOST_CHARACTERS];
    for (;;) {
      const behind = after === undefined ? {} : { after };
      const page = await this.#store.documentsNamed({ ...query, ...behind, limit: PAGE, maxCharacters: left });
      for (const document of page.items) {
        const item = shown(document);
        if (item === null) continue;
        if (items.length === limit) return { items, more: true };
        items.push(item);
        left -= JSON.stringify(document.body).length;
      }
      if (!page.more) return { items, more: false };
      if (left <= 0) return { items, more: true };
      after = page.items.at(-1)!.id;
    }
  }
}
