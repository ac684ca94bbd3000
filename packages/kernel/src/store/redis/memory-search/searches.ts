import type { MemoryFound, MemorySearch } from '../../../core/memory-search.ts';
import { VectorRoom } from '../../../memory/copy/vector-room.ts';
import type { RedisConnection } from '../../../redis/connection.ts';
import type { Documents } from '../documents.ts';
import type { EpochWatch } from '../epoch.ts';
import type { Keys } from '../keys.ts';
import { ChangesOf } from './changes.ts';
import { Entries } from './entries.ts';
import { ScopeCopy } from './scope-copy.ts';

/** How much copies may take unless it is said otherwise: 1 GiB. */
const SEARCH_BYTES = 1024 ** 3;
/** What a copy takes beside what is in it: there may be very many that hold little. */
const COPY_BYTES = 4000;

interface Parts {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly epoch: EpochWatch;
  readonly documents: Documents;
}

/**
 * Searches in memory. Redis itself does not search: each kernel has copies of the scopes in which it does, made at the first
 * search and kept until they take too much; those that were searched longest ago go first. The one that was searched last
 * stays, however large: without it each search would read all anew.
 */
export class MemorySearches {
  readonly #parts: Parts;
  readonly #mostBytes: number;
  readonly #room = new VectorRoom();
  /** In the order of their last use, each with how much it took when that was last counted. */
  readonly #copies = new Map<string, { readonly copy: ScopeCopy; bytes: number }>();
  #bytes = 0;

  constructor(parts: Parts, mostBytes = SEARCH_BYTES) {
    this.#parts = parts;
    this.#mostBytes = mostBytes;
  }

  async search(query: MemorySearch): Promise<MemoryFound> {
    const { scope } = query;
    const used = this.#copies.get(scope) ?? { copy: this.#newCopy(scope), bytes: 0 };
    this.#copies.delete(scope);
    this.#copies.set(scope, used);
    try {
      return await used.copy.search(query);
    } finally {
      const bytes = used.copy.bytes + COPY_BYTES;
      this.#bytes += bytes - used.bytes;
      used.bytes = bytes;
      this.#shrink();
    }
  }

  #newCopy(scope: string): ScopeCopy {
    const { redis, keys, epoch, documents } = this.#parts;
    const changes = new ChangesOf(redis, keys, epoch, scope);
    return new ScopeCopy({ scope, changes, entries: new Entries(redis, keys, documents), room: this.#room });
  }

  #shrink(): void {
    if (!this.#isTooMuch) return;
    for (const [scope, { copy, bytes }] of [...this.#copies].slice(0, -1)) {
      if (copy.isBusy) continue;
      copy.drop();
      this.#copies.delete(scope);
      this.#bytes -= bytes;
      if (!this.#isTooMuch) return;
    }
  }

  get #isTooMuch(): boolean {
    return this.#room.bytes + this.#bytes > this.#mostBytes;
  }
}
