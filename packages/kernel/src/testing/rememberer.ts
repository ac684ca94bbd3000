import { type MemoryEntry, memoryDocument, memoryId } from '../core/memory.ts';
import type { MemorySearch } from '../core/memory-search.ts';
import type { Put, Store } from '../core/store.ts';
import { aSearch } from './memory-entries.ts';
import { Scribe } from './scribe.ts';

/** A kernel that writes entries as a test wants them to be. */
export class Rememberer {
  readonly store: Store;
  readonly #scribe: Scribe;

  constructor(store: Store) {
    this.store = store;
    this.#scribe = new Scribe(store);
  }

  /** @param entry without a text it is removed */
  async put(...entries: (MemoryEntry | Pick<MemoryEntry, 'scope' | 'key'>)[]): Promise<void> {
    const puts: Put[] = [];
    const last = new Map(entries.map((entry) => [memoryId(entry.scope, entry.key), entry]));
    for (const [id, entry] of last) {
      const prev = await this.store.document('memory', id);
      const next = 'value' in entry ? memoryDocument(entry, (prev?.version ?? 0) + 1) : null;
      if (prev !== null || next !== null) puts.push({ kind: 'document', prev, next });
    }
    await this.#scribe.commit({ puts, events: [] });
  }

  async keys(query: Partial<MemorySearch>): Promise<string[]> {
    const { byVector, byText } = await this.store.search(aSearch(query));
    return [...byVector, ...byText].map(({ id }) => id.slice(id.indexOf('/') + 1));
  }
}
