import type { Database, Statement } from 'better-sqlite3';
import type { Document } from '../../core/document.ts';
import { canonicalJson } from '../../core/json.ts';
import { dimensionOf, type MemoryEntry, memoryFrom } from '../../core/memory.ts';
import type { VectorSpace } from '../../core/memory-search.ts';
import { countedWords } from '../../memory/bm25.ts';
import { fieldsOf } from '../../memory/fields.ts';
import { wordsOf } from '../../memory/words.ts';

/**
 * By what memory is searched, written with the documents it is made from, in the same transaction. Nothing here says anything
 * that these do not; of an entry with neither text nor vector there is nothing here.
 *
 * What is found under a number never changes: an entry that does gets another one, and none is given out twice. So whoever has
 * read up to a number needs to read only what is behind it, and what was removed is not there when it is looked at.
 */
export class MemoryIndex {
  readonly #scope: Statement<[string], number>;
  readonly #addScope: Statement<[string]>;
  readonly #countTexts: Statement<[number, number, number]>;
  readonly #entry: Statement<[string], { no: number; scope: number; words: number | null }>;
  readonly #addEntry: Statement<[string, number, number | null, number | null, Buffer]>;
  readonly #deleteEntry: Statement<[number]>;
  readonly #addText: Statement<[number, string]>;
  readonly #deleteText: Statement<[number]>;
  readonly #space: Statement<[number, string, number], number>;
  readonly #addVector: Statement<[number, number, Buffer]>;
  readonly #deleteVector: Statement<[number, number]>;
  readonly #deleteVectors: Statement<[number], number>;
  readonly #countVectors: Statement<[number, number]>;
  readonly #deleteSpace: Statement<[number]>;

  constructor(db: Database) {
    this.#scope = db.prepare<[string], number>('SELECT no FROM memory_scopes WHERE name = ?').pluck();
    this.#addScope = db.prepare('INSERT INTO memory_scopes (name, texts, words) VALUES (?, 0, 0)');
    this.#countTexts = db.prepare('UPDATE memory_scopes SET texts = texts + ?, words = words + ? WHERE no = ?');
    this.#entry = db.prepare('SELECT no, scope, words FROM memory_entries WHERE id = ?');
    this.#addEntry = db.prepare(
      'INSERT INTO memory_entries (id, scope, words, expires_at, fields) VALUES (?, ?, ?, ?, ?)',
    );
    this.#deleteEntry = db.prepare('DELETE FROM memory_entries WHERE no = ?');
    this.#addText = db.prepare('INSERT INTO memory_words (rowid, words) VALUES (?, ?)');
    this.#deleteText = db.prepare('DELETE FROM memory_words WHERE rowid = ?');
    this.#space = db
      .prepare<[number, string, number], number>(
        `INSERT INTO memory_spaces (scope, name, dimension, vectors) VALUES (?, ?, ?, 0)
         ON CONFLICT (scope, name, dimension) DO UPDATE SET vectors = vectors RETURNING no`,
      )
      .pluck();
    this.#addVector = db.prepare('INSERT INTO memory_vectors (space, entry, vector) VALUES (?, ?, ?)');
    this.#deleteVector = db.prepare('DELETE FROM memory_vectors WHERE entry = ? AND space = ?');
    this.#deleteVectors = db
      .prepare<[number], number>('DELETE FROM memory_vectors WHERE entry = ? RETURNING space')
      .pluck();
    this.#countVectors = db.prepare('UPDATE memory_spaces SET vectors = vectors + ? WHERE no = ?');
    this.#deleteSpace = db.prepare('DELETE FROM memory_spaces WHERE no = ? AND vectors = 0');
  }

  /** What was there and what is now; null: nothing. */
  put(first: Document | null, last: Document | null): void {
    const [was, is] = [first && memoryFrom(first), last && memoryFrom(last)];
    if (was && is && isOnlyEmbedded(was, is)) this.#embed(last!.id, was, is);
    else {
      if (was && isSearched(was)) this.#remove(first!.id);
      if (is) this.#add(last!.id, is);
    }
  }

  /** Whatever was there. */
  copy(document: Document): void {
    this.#remove(document.id);
    this.#add(document.id, memoryFrom(document));
  }

  #add(id: string, entry: MemoryEntry): void {
    if (!isSearched(entry)) return;
    const { text, vector, expiresAt, metadata } = entry;
    const scope = this.#scope.get(entry.scope) ?? Number(this.#addScope.run(entry.scope).lastInsertRowid);
    const words = text == null ? null : wordsOf(text);
    const count = words?.length ?? null;
    const no = Number(this.#addEntry.run(id, scope, count, expiresAt, fieldsOf(metadata)).lastInsertRowid);
    if (words) {
      this.#addText.run(
        no,
        countedWords(words)
          .map((word) => wordIn(scope, word))
          .join(' '),
      );
      this.#countTexts.run(1, words.length, scope);
    }
    if (vector != null) this.#addTo('given', vector, no, scope);
    this.#addEmbedding(entry, no, scope);
  }

  #embed(id: string, was: MemoryEntry, is: MemoryEntry): void {
    const { no, scope } = this.#entry.get(id)!;
    if (was.embedding?.vector != null) {
      const { vector } = was.embedding;
      const space = this.#space.get(scope, spaceName(was.embedding), dimensionOf(vector))!;
      this.#deleteVector.run(no, space);
      this.#count(-1, space);
    }
    this.#addEmbedding(is, no, scope);
  }

  #addEmbedding({ embedding }: MemoryEntry, no: number, scope: number): void {
    if (embedding?.vector != null) this.#addTo(embedding, embedding.vector, no, scope);
  }

  #addTo(name: VectorSpace, vector: string, no: number, scope: number): void {
    const bytes = Buffer.from(vector, 'base64');
    const space = this.#space.get(scope, spaceName(name), bytes.length / 4)!;
    this.#addVector.run(space, no, bytes);
    this.#count(1, space);
  }

  #remove(id: string): void {
    const entry = this.#entry.get(id);
    if (!entry) return;
    this.#deleteEntry.run(entry.no);
    if (entry.words !== null) {
      this.#deleteText.run(entry.no);
      this.#countTexts.run(-1, -entry.words, entry.scope);
    }
    for (const space of this.#deleteVectors.all(entry.no)) this.#count(-1, space);
  }

  #count(vectors: number, space: number): void {
    this.#countVectors.run(vectors, space);
    if (vectors < 0) this.#deleteSpace.run(space);
  }
}

/** How a word of a scope is written: those of one scope have nothing to do with those of another. */
export function wordIn(scope: number, word: string): string {
  return `${scope}·${word}`;
}

export function spaceName(space: VectorSpace): string {
  return space === 'given' ? space : `model ${space.model}`;
}

function isSearched({ text, vector, embedding }: MemoryEntry): boolean {
  return text != null || vector != null || embedding != null;
}

/** What its text means has been found out, or to another model, and that is all: its words need not be written again. */
function isOnlyEmbedded(was: MemoryEntry, is: MemoryEntry): boolean {
  if (!isSearched(was) || !isSearched(is)) return false;
  const isSame = was.text === is.text && was.vector === is.vector && was.expiresAt === is.expiresAt;
  return isSame && canonicalJson(was.metadata) === canonicalJson(is.metadata);
}
