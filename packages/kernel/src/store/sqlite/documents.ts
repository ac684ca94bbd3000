import type { Database, Statement } from 'better-sqlite3';
import type { Collection, Document } from '../../core/document.ts';
import type { JsonObject } from '../../core/json.ts';
import { MOST_EXPIRING } from '../../core/queries.ts';
import type { DocumentQuery, NamedQuery, Page } from '../../core/store.ts';
import { Conflict } from '../units.ts';
import { MemoryIndex } from './memory-index.ts';

const COLUMNS = 'collection, id, version, state, created_at, due_at, ended_at, body';

// biome-ignore format: as the columns stand
type Row = [
  collection: Collection, id: string, version: number, state: string, createdAt: number, dueAt: number | null,
  endedAt: number | null, body: string,
];

function fromRow([collection, id, version, state, createdAt, dueAt, endedAt, body]: Row): Document {
  return { collection, id, version, state, createdAt, dueAt, endedAt, body: JSON.parse(body) as JsonObject };
}

/** The documents of all collections, in one table. */
export class Documents {
  readonly #db: Database;
  readonly #memory: MemoryIndex;
  readonly #one: Statement<[string, string], Row>;
  readonly #due: Statement<[number, number], Row>;
  readonly #expiring: Statement<[number, number], Row>;
  readonly #nextDue: Statement<[], number | null>;
  readonly #after: Statement<[string, string, number], Row>;
  readonly #named: Statement<[string, string, string, number], Row>;
  readonly #insert: Statement<Row>;
  readonly #copy: Statement<Row>;
  readonly #update: Statement;
  readonly #delete: Statement<[string, string, number]>;
  readonly #lists = new Map<string, Statement<unknown[], Row>>();

  constructor(db: Database) {
    this.#db = db;
    this.#memory = new MemoryIndex(db);
    const select = `SELECT ${COLUMNS} FROM documents`;
    this.#one = db.prepare<[string, string], Row>(`${select} WHERE collection = ? AND id = ?`).raw();
    const [others, memory] = [
      "INDEXED BY documents_due WHERE due_at IS NOT NULL AND collection <> 'memory'",
      "INDEXED BY documents_expiring WHERE due_at IS NOT NULL AND collection = 'memory'",
    ];
    const due = (which: string) =>
      db
        .prepare<[number, number], Row>(`${select} ${which} AND due_at <= ? ORDER BY due_at, collection, id LIMIT ?`)
        .raw();
    this.#due = due(others!);
    this.#expiring = due(memory!);
    const next = (which: string) => `SELECT min(due_at) AS due_at FROM documents ${which}`;
    this.#nextDue = db
      .prepare<[], number | null>(`SELECT min(due_at) FROM (${next(others!)} UNION ALL ${next(memory!)})`)
      .pluck();
    this.#after = db
      .prepare<[string, string, number], Row>(
        `${select} WHERE (collection, id) > (?, ?) ORDER BY collection, id LIMIT ?`,
      )
      .raw();
    this.#named = db
      .prepare<[string, string, string, number], Row>(
        `${select} WHERE collection = ? AND id > ? AND id >= ? ORDER BY id LIMIT ?`,
      )
      .raw();
    this.#insert = db.prepare(
      `INSERT INTO documents (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#copy = db.prepare(`INSERT OR REPLACE INTO documents (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#update = db.prepare(
      `UPDATE documents SET version = ?, state = ?, due_at = ?, ended_at = ?, body = ?
       WHERE collection = ? AND id = ? AND version = ?`,
    );
    this.#delete = db.prepare('DELETE FROM documents WHERE collection = ? AND id = ? AND version = ?');
  }

  one(collection: string, id: string): Document | null {
    const row = this.#one.get(collection, id);
    return row ? fromRow(row) : null;
  }

  /** @param name see `nameOf` */
  named(name: string): Document | null {
    const cut = name.indexOf(' ');
    return this.one(name.slice(0, cut), name.slice(cut + 1));
  }

  list(query: DocumentQuery): Page<Document> {
    const { collection, state, before, limit } = query;
    const conditions = [
      'collection = ?',
      ...(state === undefined ? [] : ['state = ?']),
      ...(before === undefined ? [] : ['(created_at, id) < (?, ?)']),
    ].join(' AND ');
    let list = this.#lists.get(conditions);
    if (!list) {
      const order = 'ORDER BY created_at DESC, id DESC LIMIT ?';
      list = this.#db.prepare<unknown[], Row>(`SELECT ${COLUMNS} FROM documents WHERE ${conditions} ${order}`).raw();
      this.#lists.set(conditions, list);
    }
    const values = [collection, state, before?.createdAt, before?.id].filter((value) => value !== undefined);
    const items = list.all(...values, limit + 1).map(fromRow);
    return { items: items.slice(0, limit), more: items.length > limit };
  }

  /** In the order of their ids. */
  listNamed({ collection, prefix, after = '', limit, maxCharacters }: NamedQuery): Page<Document> {
    const items: Document[] = [];
    let characters = 0;
    for (const row of this.#named.iterate(collection, after, prefix, limit + 1)) {
      if (!row[1].startsWith(prefix)) break;
      characters += row[7].length;
      if (items.length === limit || (items.length > 0 && characters > maxCharacters)) return { items, more: true };
      items.push(fromRow(row));
    }
    return { items, more: false };
  }

  /** So many of those in memory, and so many of all others. */
  due(wall: number, limit: number): Document[] {
    const due = this.#due.all(wall, limit).map(fromRow);
    let characters = 0;
    for (const row of this.#expiring.iterate(wall, limit)) {
      const isFirst = characters === 0;
      characters += row[7].length;
      if (characters > MOST_EXPIRING && !isFirst) break;
      due.push(fromRow(row));
    }
    return due;
  }

  nextDue(): number | null {
    return this.#nextDue.get() ?? null;
  }

  /** In the order of their names, behind this one. */
  after({ collection, id }: { readonly collection: string; readonly id: string }, limit: number): Document[] {
    return this.#after.all(collection, id, limit).map(fromRow);
  }

  put(first: Document | null, last: Document | null): void {
    if (last === null) this.#remove(first!);
    else if (first === null) this.#add(last);
    else this.#replace(first, last);
    if ((first ?? last)!.collection === 'memory') this.#memory.put(first, last);
  }

  /** Throws `Conflict` when there is one of this name. */
  #add({ collection, id, version, state, createdAt, dueAt, endedAt, body }: Document): void {
    const values: Row = [collection, id, version, state, createdAt, dueAt, endedAt, JSON.stringify(body)];
    if (this.#insert.run(...values).changes !== 1) throw new Conflict();
  }

  /** Whether there is one of this name or not. */
  copy(document: Document): void {
    const { collection, id, version, state, createdAt, dueAt, endedAt, body } = document;
    this.#copy.run(collection, id, version, state, createdAt, dueAt, endedAt, JSON.stringify(body));
    if (collection === 'memory') this.#memory.copy(document);
  }

  #replace(first: Document, { collection, id, version, state, dueAt, endedAt, body }: Document): void {
    const values = [version, state, dueAt, endedAt, JSON.stringify(body), collection, id, first.version];
    if (this.#update.run(...values).changes !== 1) throw new Conflict();
  }

  #remove({ collection, id, version }: Document): void {
    if (this.#delete.run(collection, id, version).changes !== 1) throw new Conflict();
  }
}

/** Removes documents that are of no use since before `time`; answers how many. */
export function removeEnded(db: Database, time: number, limit: number): number {
  return db
    .prepare(
      `DELETE FROM documents WHERE (collection, id) IN
       (SELECT collection, id FROM documents WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?)`,
    )
    .run(time, limit).changes;
}

export function hasEnded(db: Database, time: number): boolean {
  const earliest = db.prepare('SELECT ended_at FROM documents WHERE ended_at IS NOT NULL ORDER BY ended_at LIMIT 1');
  const endedAt = earliest.pluck().get() as number | undefined;
  return endedAt !== undefined && endedAt < time;
}
