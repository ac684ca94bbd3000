import type { JsonObject } from '../../core/json.ts';
import { isRemembered, type MemoryEntry, memoryId, vectorFrom } from '../../core/memory.ts';
import { filterOf } from '../../core/memory-filter.ts';
import type { Hit, MemoryFound, MemorySearch, VectorSpace } from '../../core/memory-search.ts';
import { TextIndex } from './text-index.ts';
import type { VectorRoom } from './vector-room.ts';
import { Vectors } from './vectors.ts';

/** What is known of an entry, so that it can be found; what it says is not. */
interface Indexed {
  readonly id: string;
  readonly metadata: JsonObject;
  readonly expiresAt: number | null;
  readonly places: readonly Vectors<Indexed>[];
  readonly bytes: number;
}

/** What an entry takes beside its vectors, its words and its names: objects, and places in maps. */
const ENTRY_BYTES = 400;

/** All entries of one scope, as they are found. Between the steps of a search, and of a put, nothing else may be done to it. */
export class ScopeIndex {
  readonly #room: VectorRoom;
  readonly #entries = new Map<string, Indexed>();
  readonly #vectors = new Map<string, Vectors<Indexed>>();
  readonly #texts = new TextIndex<Indexed>();
  #bytes = 0;

  constructor(room: VectorRoom) {
    this.#room = room;
  }

  /** How many entries it has. */
  get size(): number {
    return this.#entries.size;
  }

  /** About how much it takes. */
  get bytes(): number {
    let bytes = this.#bytes + this.#texts.bytes;
    for (const matrix of this.#vectors.values()) bytes += matrix.bytes;
    return bytes;
  }

  /** A long text takes a while, so it stops now and then. */
  *put(entry: MemoryEntry): Generator<void, void> {
    const { scope, key, metadata, expiresAt, text, vector, embedding } = entry;
    const id = memoryId(scope, key);
    this.remove(id);
    const vectors = [
      { space: 'given', numbers: vector },
      { space: { model: embedding?.model ?? '' }, numbers: embedding?.vector ?? null },
    ] as const;
    const placed = vectors.flatMap(({ space, numbers }) => (numbers === null ? [] : [this.#placed(space, numbers)]));
    const bytes = ENTRY_BYTES + 2 * id.length + 2 * JSON.stringify(metadata).length;
    const indexed = { id, metadata, expiresAt, places: placed.map(({ matrix }) => matrix), bytes };
    for (const { matrix, numbers } of placed) matrix.add(indexed, numbers);
    this.#entries.set(id, indexed);
    this.#bytes += bytes;
    if (text !== null) yield* this.#texts.add(indexed, text);
  }

  remove(id: string): void {
    const indexed = this.#entries.get(id);
    if (!indexed) return;
    for (const matrix of indexed.places) matrix.remove(indexed);
    this.#texts.remove(indexed);
    this.#entries.delete(id);
    this.#bytes -= indexed.bytes;
  }

  /** Gives back the room that its vectors take. */
  clear(): void {
    for (const matrix of this.#vectors.values()) matrix.clear();
    this.#vectors.clear();
    this.#texts.clear();
    this.#entries.clear();
    this.#bytes = 0;
  }

  *search({ vector, text, filter, limit, now }: Omit<MemorySearch, 'scope'>): Generator<void, MemoryFound> {
    const fits = filterOf(filter);
    const accepts = (entry: Indexed) => isRemembered(entry, now) && fits(entry.metadata);
    let byVector: readonly Hit[] = [];
    const matrix = vector && this.#vectors.get(nameOf(vector.space, vector.values.length));
    if (matrix) byVector = (yield* matrix.nearest(vector.values, limit, accepts)).list();
    const byText = text === null ? [] : (yield* this.#texts.search(text, limit, accepts)).list();
    return { byVector, byText };
  }

  #placed(space: VectorSpace, kept: string): { matrix: Vectors<Indexed>; numbers: Float32Array } {
    const numbers = vectorFrom(kept);
    const name = nameOf(space, numbers.length);
    const matrix = this.#vectors.get(name) ?? new Vectors<Indexed>(this.#room, numbers.length);
    this.#vectors.set(name, matrix);
    return { matrix, numbers };
  }
}

/** Vectors of different lengths, or of different models, cannot be compared. */
function nameOf(space: VectorSpace, dimension: number): string {
  return space === 'given' ? `given ${dimension}` : `model ${dimension} ${space.model}`;
}
