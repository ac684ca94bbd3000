import { setImmediate as breathe } from 'node:timers/promises';
import type { Database, Statement } from 'better-sqlite3';
import type { MemoryFound, MemorySearch } from '../../core/memory-search.ts';
import { wantedFields } from '../../memory/fields.ts';
import { MemoryTexts } from './memory-texts.ts';
import { MemoryVectors } from './memory-vectors.ts';

/** What may be searched, and what must be so of what is found. */
export interface Wanted {
  readonly limit: number;
  readonly now: number;
  /** See `wantedFields`. */
  readonly fields: Uint32Array;
}

/** Where searches look; written by `MemoryIndex`. */
export interface ScopeRow {
  readonly no: number;
  readonly texts: number;
  readonly words: number;
}

/** How much is kept in memory to be searched. */
export interface Room {
  readonly vectorBytes: number;
  readonly textBytes: number;
}

/** Unless it is said otherwise 576 MiB: 1.2 million vectors of 384 numbers, and about a million texts. */
const SEARCH_BYTES = 576 * 1024 * 1024;

export function roomOf(bytes = SEARCH_BYTES): Room {
  return { vectorBytes: Math.floor((bytes * 8) / 9), textBytes: Math.floor(bytes / 9) };
}

/** Answers searches, on the thread and the connection that it is given. */
export class MemoryReader {
  readonly #db: Database;
  readonly #vectors: MemoryVectors;
  readonly #texts: MemoryTexts;
  readonly #scope: Statement<[string], ScopeRow>;

  constructor(db: Database, room: Room) {
    this.#db = db;
    this.#vectors = new MemoryVectors(db, room.vectorBytes);
    this.#texts = new MemoryTexts(db, room.textBytes);
    this.#scope = db.prepare('SELECT no, texts, words FROM memory_scopes WHERE name = ?');
  }

  /** How much is kept. */
  get bytes(): number {
    return this.#vectors.bytes + this.#texts.bytes;
  }

  /** What has to be read first, of a scope that was not searched for a while, is read in pieces: others come in between. */
  async find(query: MemorySearch): Promise<MemoryFound> {
    for (const _ of this.#prepare(query)) await breathe();
    return this.search(query);
  }

  /** At once. All of it sees the colony at one moment. */
  search(query: MemorySearch): MemoryFound {
    return this.#db.transaction(() => this.#search(query)).deferred();
  }

  *#prepare({ scope: name, vector, text }: MemorySearch): Generator<void> {
    const scope = this.#scope.get(name);
    if (scope && vector) yield* this.#vectors.prepare(scope, vector);
    if (scope && text !== null) yield* this.#texts.prepare(scope);
  }

  #search({ scope: name, vector, text, filter, limit, now }: MemorySearch): MemoryFound {
    const scope = this.#scope.get(name);
    if (!scope) return { byVector: [], byText: [] };
    const wanted = { limit, now, fields: wantedFields(filter) };
    return {
      byVector: vector === null ? [] : this.#vectors.search(scope, vector, wanted),
      byText: text === null ? [] : this.#texts.search(scope, text, wanted),
    };
  }
}
