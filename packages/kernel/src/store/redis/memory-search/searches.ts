import { StorageUnavailable } from '../../../core/errors.ts';
import { type MemoryFound, type MemorySearch, ScopeTooLarge } from '../../../core/memory-search.ts';
import { VectorRoom } from '../../../memory/copy/vector-room.ts';
import type { RedisConnection } from '../../../redis/connection.ts';
import type { Documents } from '../documents.ts';
import type { EpochWatch } from '../epoch.ts';
import type { Keys } from '../keys.ts';
import { ChangesOf } from './changes.ts';
import { Entries } from './entries.ts';
import { Pace } from './pace.ts';
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

/** A scope that is searched, or was a while ago. */
interface Used {
  readonly copy: ScopeCopy;
  /** How much it took when that was last counted. */
  bytes: number;
}

/**
 * Searches in memory. Redis itself does not search: each kernel has copies of the scopes in which it does, made at the first
 * search and kept until they take too much; those that were searched longest ago go first.
 */
export class MemorySearches {
  readonly #parts: Parts;
  readonly #mostBytes: number;
  #room: VectorRoom | null = null;
  readonly #pace = new Pace();
  /** In the order of their last use. */
  readonly #used = new Map<string, Used>();
  #bytes = 0;

  constructor(parts: Parts, mostBytes = SEARCH_BYTES) {
    this.#parts = parts;
    this.#mostBytes = mostBytes;
  }

  /** Throws `ScopeTooLarge` when even alone a copy would take more than copies may. */
  async search(query: MemorySearch): Promise<MemoryFound> {
    const { scope } = query;
    const used = this.#used.get(scope) ?? this.#begin(scope);
    this.#used.delete(scope);
    this.#used.set(scope, used);
    try {
      return await used.copy.search(query);
    } finally {
      this.#count(scope, used);
      this.#shrink();
    }
  }

  #begin(scope: string): Used {
    const { redis, keys, epoch, documents } = this.#parts;
    this.#room ??= new VectorRoom();
    const room = this.#room;
    const changes = new ChangesOf(redis, keys, epoch, scope);
    const entries = new Entries(redis, keys, documents);
    const onGrown = () => this.#makeRoom(scope, used);
    const copy = new ScopeCopy({ scope, changes, entries, room, pace: this.#pace, onGrown });
    const used: Used = { copy, bytes: 0 };
    return used;
  }

  #makeRoom(scope: string, used: Used): void {
    this.#count(scope, used);
    this.#shrink();
    if (used.bytes > this.#mostBytes) throw new ScopeTooLarge(scope, this.#mostBytes);
    if (this.#isTooMuch) throw new StorageUnavailable('searches of other scopes need all the room there is; try again');
  }

  #count(scope: string, used: Used): void {
    // As soon as nobody searches in it any more, it may have had to go.
    if (this.#used.get(scope) !== used) return;
    const bytes = used.copy.bytes + COPY_BYTES;
    this.#bytes += bytes - used.bytes;
    used.bytes = bytes;
  }

  #shrink(): void {
    if (!this.#isTooMuch) return;
    for (const [scope, used] of this.#used) {
      if (used.copy.isBusy) continue;
      used.copy.drop();
      this.#used.delete(scope);
      this.#bytes -= used.bytes;
      if (!this.#isTooMuch) return;
    }
  }

  get #isTooMuch(): boolean {
    return this.#bytes > this.#mostBytes;
  }
}
