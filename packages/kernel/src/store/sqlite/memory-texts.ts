import type { Database, Statement } from 'better-sqlite3';
import type { Hit } from '../../core/memory-search.ts';
import { Ranking } from '../../memory/ranking.ts';
import { Shelf } from '../../memory/shelf.ts';
import { wantedWords } from '../../memory/words.ts';
import { Kept } from './kept.ts';
import { wordIn } from './memory-index.ts';
import type { ScopeRow, Wanted } from './memory-reader.ts';

type StoredRow = [no: number, words: number, expiresAt: number | null, fields: Buffer];

/** So many are read at a time. */
const PAGE = 2000;

/**
 * Finds the texts that have some words. FTS5 tells where each word is; what that is worth is worked out here, since its own
 * ranking counts all texts of all scopes. What has expired and is there still is counted, too, and not found.
 */
export class MemoryTexts {
  readonly #shelves: Kept<Shelf>;
  readonly #page: Statement<[number, number], StoredRow>;
  readonly #places: Statement<[string], number>;
  readonly #id: Statement<[number], string>;

  constructor(db: Database, mostBytes: number) {
    this.#shelves = new Kept(mostBytes);
    db.exec('CREATE VIRTUAL TABLE IF NOT EXISTS temp.memory_places USING fts5vocab(main, memory_words, instance)');
    this.#places = db.prepare<[string], number>('SELECT doc FROM temp.memory_places WHERE term = ?').pluck();
    this.#page = db
      .prepare<[number, number], StoredRow>(
        `SELECT no, words, expires_at, fields FROM memory_entries INDEXED BY memory_entries_by_scope
         WHERE scope = ? AND no > ? AND words IS NOT NULL ORDER BY no LIMIT ${PAGE}`,
      )
      .raw();
    this.#id = db.prepare<[number], string>('SELECT id FROM memory_entries WHERE no = ?').pluck();
  }

  get bytes(): number {
    return this.#shelves.bytes;
  }

  *prepare(scope: ScopeRow): Generator<void> {
    yield* this.#follow(scope, this.#shelfOf(scope));
  }

  search(scope: ScopeRow, text: string, { limit, now, fields: wanted }: Wanted): Hit[] {
    const shelf = this.#shelfOf(scope);
    for (const _ of this.#follow(scope, shelf));
    this.#shelves.makeRoom(scope.no);
    const { texts, words } = scope;
    const best = new Ranking(limit);
    for (const { number, score } of shelf.search({
      places: this.#placesOf(scope, text),
      texts,
      words,
      limit,
      now,
      wanted,
    })) {
      best.offer({ id: this.#id.get(number)! }, score);
    }
    return best.list();
  }

  *#placesOf({ no }: ScopeRow, text: string): Generator<number[]> {
    for (const word of wantedWords(text)) yield this.#places.all(wordIn(no, word));
  }

  #shelfOf({ no, texts }: ScopeRow): Shelf {
    return this.#shelves.use(no, texts, () => new Shelf());
  }

  *#follow({ no }: ScopeRow, shelf: Shelf): Generator<void> {
    for (let more = true; more; ) {
      const rows = this.#page.all(no, shelf.last);
      for (const [number, words, expiresAt, fields] of rows) shelf.append({ number, words, expiresAt, fields });
      more = rows.length === PAGE;
      if (more) yield;
    }
  }
}
