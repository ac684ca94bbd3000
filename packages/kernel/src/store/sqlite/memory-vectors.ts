import type { Database, Statement } from 'better-sqlite3';
import type { Hit, MemorySearch } from '../../core/memory-search.ts';
import type { Row } from '../../memory/chunk.ts';
import { cosine, lengthOf } from '../../memory/cosine.ts';
import { fastDots } from '../../memory/dots.ts';
import { FieldLists } from '../../memory/field-lists.ts';
import { Matrix } from '../../memory/matrix.ts';
import { Ranking } from '../../memory/ranking.ts';
import { Kept } from './kept.ts';
import { spaceName } from './memory-index.ts';
import type { ScopeRow, Wanted } from './memory-reader.ts';

type Near = NonNullable<MemorySearch['vector']>;
type StoredRow = [no: number, vector: Buffer, expiresAt: number | null, fields: Buffer];

interface SpaceRow {
  readonly no: number;
  readonly dimension: number;
  readonly vectors: number;
}

/** So many are read at a time. */
const PAGE = 500;

/**
 * Finds the nearest vectors. Those of spaces that are searched are kept in memory, rounded, as long as there is room for them; a
 * search reads what has come since the last one, and of the candidates the vectors themselves. Whichever of them are not there any
 * more are told by that. A space that is too large to be kept is read from end to end.
 */
export class MemoryVectors {
  readonly #dots = fastDots();
  readonly #matrices: Kept<Matrix>;
  readonly #space: Statement<[number, string, number], SpaceRow>;
  readonly #page: Statement<[number, number], StoredRow>;
  readonly #one: Statement<[number], [vector: Buffer, id: string]>;

  constructor(db: Database, mostBytes: number) {
    this.#matrices = new Kept(mostBytes);
    this.#space = db.prepare(
      'SELECT no, dimension, vectors FROM memory_spaces WHERE scope = ? AND name = ? AND dimension = ?',
    );
    this.#page = db
      .prepare<[number, number], StoredRow>(
        `SELECT v.no, v.vector, e.expires_at, e.fields
         FROM memory_vectors v INDEXED BY memory_vectors_by_space CROSS JOIN memory_entries e ON e.no = v.entry
         WHERE v.space = ? AND v.no > ? ORDER BY v.no LIMIT ${PAGE}`,
      )
      .raw();
    this.#one = db
      .prepare<[number], [vector: Buffer, id: string]>(
        'SELECT v.vector, e.id FROM memory_vectors v JOIN memory_entries e ON e.no = v.entry WHERE v.no = ?',
      )
      .raw();
  }

  get bytes(): number {
    return this.#matrices.bytes;
  }

  *prepare(scope: ScopeRow, near: Near): Generator<void> {
    const space = this.#spaceOf(scope, near);
    if (space && this.#isKept(space)) yield* this.#follow(space, this.#matrixOf(space));
  }

  search(scope: ScopeRow, near: Near, wanted: Wanted): Hit[] {
    const space = this.#spaceOf(scope, near);
    // Nothing is near to what has no direction.
    if (!space || Number.isNaN(lengthOf(near.values))) return [];
    if (!this.#isKept(space)) return this.#searchAll(space, near.values, wanted);
    const matrix = this.#matrixOf(space);
    for (const _ of this.#follow(space, matrix));
    this.#matrices.makeRoom(space.no);
    return this.#searchIn(matrix, near.values, wanted);
  }

  #spaceOf(scope: ScopeRow, { space, values }: Near): SpaceRow | undefined {
    return this.#space.get(scope.no, spaceName(space), values.length);
  }

  #isKept({ no, vectors, dimension }: SpaceRow): boolean {
    return this.#matrices.fits(no, Matrix.bytesFor(vectors, dimension));
  }

  #matrixOf({ no, dimension, vectors }: SpaceRow): Matrix {
    return this.#matrices.use(no, vectors, () => new Matrix(dimension, this.#dots));
  }

  *#follow({ no }: SpaceRow, matrix: Matrix): Generator<void> {
    for (let more = true; more; ) {
      const rows = this.#page.all(no, matrix.last);
      for (const row of rows) matrix.append(fromRow(row));
      more = rows.length === PAGE;
      if (more) yield;
    }
  }

  #searchIn(matrix: Matrix, query: Float32Array, { limit, now, fields }: Wanted): Hit[] {
    const aim = matrix.aim(query, now, fields);
    if (!aim) return [];
    for (;;) {
      const best = new Ranking(limit);
      let isStale = false;
      for (const candidate of matrix.candidates(aim, limit)) {
        const row = this.#one.get(candidate.number);
        if (row) best.offer({ id: row[1] }, cosine(query, floatsOf(row[0])));
        else candidate.forget();
        isStale ||= !row;
      }
      if (!isStale) return best.list();
    }
  }

  #searchAll({ no }: SpaceRow, query: Float32Array, { limit, now, fields }: Wanted): Hit[] {
    const best = new Ranking(limit);
    for (let rows = this.#page.all(no, 0); rows.length > 0; rows = this.#page.all(no, rows.at(-1)![0])) {
      for (const [number, vector, expiresAt, bytes] of rows) {
        if (expiresAt !== null && expiresAt <= now) continue;
        const lists = new FieldLists();
        lists.append(bytes);
        if (!lists.has(0, fields)) continue;
        const score = cosine(query, floatsOf(vector));
        if (score >= best.least) best.offer({ id: this.#one.get(number)![1] }, score);
      }
    }
    return best.list();
  }
}

function fromRow([number, vector, expiresAt, fields]: StoredRow): Row {
  return { number, vector: floatsOf(vector), expiresAt, fields };
}

/** They are kept with the lowest byte first, as every machine has them for which there is a better-sqlite3. */
function floatsOf(bytes: Buffer): Float32Array {
  const { buffer, byteOffset, length } = bytes;
  if (byteOffset % 4 === 0) return new Float32Array(buffer, byteOffset, length / 4);
  return floatsOf(Buffer.from(Uint8Array.from(bytes).buffer));
}
