import type { Document } from '../../../core/document.ts';
import { StorageUnavailable } from '../../../core/errors.ts';
import { memoryFrom } from '../../../core/memory.ts';
import { type MemoryFound, type MemorySearch, ScopeTooLarge } from '../../../core/memory-search.ts';
import { ScopeIndex } from '../../../memory/copy/scope-index.ts';
import type { VectorRoom } from '../../../memory/copy/vector-room.ts';
import type { ChangesOf, Position } from './changes.ts';
import type { Entries } from './entries.ts';
import type { Pace } from './pace.ts';

/** So often it is begun anew, because another server took over or more has changed than is noted. */
const MOST_TRIES = 5;
/** For so long a scope that was too large is not read again, if there are as many entries still. */
const REFUSED_MS = 60_000;

export interface ScopeCopyParts {
  readonly scope: string;
  readonly changes: ChangesOf;
  readonly entries: Entries;
  readonly room: VectorRoom;
  readonly pace: Pace;
  /** It has grown, perhaps; throws when there is no room for that. */
  readonly onGrown: () => void;
}

/**
 * What is searched instead of the entries of a scope: this kernel's copy of what they are found by. Before each search it
 * follows all that has changed; so what anybody was told is done before the search began is found.
 */
export class ScopeCopy {
  readonly #parts: ScopeCopyParts;
  readonly #index: ScopeIndex;
  /** Up to where the copy is one; null: it holds nothing yet. */
  #at: Position | null = null;
  /** One after the other: while it is being searched nothing may change. */
  #last: Promise<unknown> = Promise.resolve();
  /** The look at what has changed that has not begun yet: all who come until then share it, and what becomes of it. */
  #next: Promise<void> | null = null;
  #waiting = 0;
  /** How much of it was read when it turned out to be too large. */
  #refused: { readonly fault: ScopeTooLarge; readonly entries: number; readonly until: number } | null = null;

  constructor(parts: ScopeCopyParts) {
    this.#parts = parts;
    this.#index = new ScopeIndex(parts.room);
  }

  get bytes(): number {
    return this.#index.bytes;
  }

  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  /** Throws `StorageUnavailable`, and the next search goes on from where it was; and what `onGrown` throws. */
  async search(query: MemorySearch): Promise<MemoryFound> {
    this.#waiting++;
    try {
      this.#next ??= this.#inLine(() => {
        this.#next = null;
        return this.#follow();
      });
      const followed = this.#next;
      return await this.#inLine(async () => {
        await followed;
        return this.#parts.pace.carryOut(this.#index.search(query));
      });
    } finally {
      this.#waiting--;
    }
  }

  #inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Nothing is left of it, nor does it take room any more. */
  drop(): void {
    this.#at = null;
    this.#index.clear();
  }

  async #follow(): Promise<void> {
    await this.#refuseAgain();
    try {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        if ((this.#at !== null || (await this.#build())) && (await this.#catchUp())) return;
        this.drop();
      }
    } catch (error) {
      if (error instanceof ScopeTooLarge)
        this.#refused = { fault: error, entries: this.#index.size, until: performance.now() + REFUSED_MS };
      if (this.#at === null || !(error instanceof StorageUnavailable)) this.drop();
      throw error;
    }
    throw new StorageUnavailable('memory changes faster than it can be read');
  }

  async #refuseAgain(): Promise<void> {
    if (this.#refused === null) return;
    const { fault, entries, until } = this.#refused;
    const isSoon = performance.now() < until;
    if (isSoon && (await this.#parts.entries.count(this.#parts.scope)) >= entries) throw fault;
    this.#refused = null;
  }

  /** From the first entry to the last, and what changes meanwhile besides. False: it has to be begun anew. */
  async #build(): Promise<boolean> {
    const { scope, changes, entries } = this.#parts;
    // The position first: what is read afterwards is as it was there, or later.
    let at = await changes.position();
    for await (const { found } of entries.of(scope)) {
      for (const document of found) await this.#put(document);
      this.#parts.onGrown();
      const to = await this.#followFrom(at);
      if (to === null) return false;
      at = to;
    }
    this.#at = at;
    return true;
  }

  /** False: it cannot be said what has changed. */
  async #catchUp(): Promise<boolean> {
    const to = await this.#followFrom(this.#at!);
    if (to === null) return false;
    this.#at = to;
    return true;
  }

  /** Answers how far that was; null: it cannot be said what has changed. */
  async #followFrom(from: Position): Promise<Position | null> {
    const { changes, entries } = this.#parts;
    for (let at = from; ; ) {
      const next = await changes.since(at);
      if (next === null) return null;
      for await (const { asked, found } of entries.read([...next.ids])) {
        const there = new Map(found.map((document) => [document.id, document]));
        for (const id of asked) {
          const document = there.get(id);
          if (document) await this.#put(document);
          else this.#index.remove(id);
        }
        this.#parts.onGrown();
      }
      at = next.to;
      if (!next.more) return at;
    }
  }

  async #put(document: Document): Promise<void> {
    await this.#parts.pace.carryOut(this.#index.put(memoryFrom(document)));
  }
}
