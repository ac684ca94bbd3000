import SqliteDatabase, { type Database } from 'better-sqlite3';
import type { Document } from '../core/document.ts';
import { memoryFrom } from '../core/memory.ts';
import { countedWords } from '../memory/bm25.ts';
import { fieldsOf } from '../memory/fields.ts';
import { wordsOf } from '../memory/words.ts';

/**
 * Compares what memory is searched by in a colony's file with the documents it is made from. Answers both, of each entry and each
 * count a line: they are to be equal.
 */
export function compareMemoryIndex(path: string): { readonly written: string[]; readonly due: string[] } {
  const db = new SqliteDatabase(path, { readonly: true });
  try {
    db.pragma('temp_store = MEMORY');
    db.exec('CREATE VIRTUAL TABLE temp.places USING fts5vocab(main, memory_words, instance)');
    db.exec('BEGIN');
    return { written: written(db), due: due(db) };
  } finally {
    db.close();
  }
}

interface EntryRow {
  readonly no: number;
  readonly id: string;
  readonly scope: number;
  readonly words: number | null;
  readonly expires_at: number | null;
  readonly fields: Buffer;
}

function written(db: Database): string[] {
  const places = new Map<number, string[]>();
  for (const { doc, term } of db
    .prepare<[], { doc: number; term: string }>('SELECT doc, term FROM temp.places')
    .all()) {
    places.set(doc, [...(places.get(doc) ?? []), term]);
  }
  const vectors = db.prepare<[number], string>(
    `SELECT s.scope || ' ' || s.name || ' ' || s.dimension || ' ' || hex(v.vector)
     FROM memory_vectors v JOIN memory_spaces s ON s.no = v.space WHERE v.entry = ?`,
  );
  const entries = db.prepare<[], EntryRow>('SELECT * FROM memory_entries').all();
  const names = new Map(
    db
      .prepare<[], { no: number; name: string }>('SELECT no, name FROM memory_scopes')
      .all()
      .map(({ no, name }) => [no, name]),
  );
  const lines = entries.map(({ no, id, scope, words, expires_at, fields }) => {
    const own = `${scope}·`;
    const found = (places.get(no) ?? []).map((term) =>
      term.startsWith(own) ? term.slice(own.length) : `stray ${term}`,
    );
    places.delete(no);
    const near = vectors
      .pluck()
      .all(no)
      .map((line) => line.replace(/^\d+/, (n) => names.get(Number(n)) ?? 'none'));
    return line(id, words, expires_at, fields, found, near);
  });
  const strays = [...places].map(([no, terms]) => `words of ${no}, which is not there: ${terms}`);
  const lost = db.prepare(`SELECT count(*) FROM memory_vectors
     WHERE entry NOT IN (SELECT no FROM memory_entries) OR space NOT IN (SELECT no FROM memory_spaces)`);
  const counts = [
    ...db
      .prepare<[], string>("SELECT 'scope ' || name || ' ' || texts || ' ' || words FROM memory_scopes WHERE texts > 0")
      .pluck()
      .all(),
    ...db
      .prepare<[], string>(
        "SELECT 'space ' || c.name || ' ' || s.name || ' ' || dimension || ' ' || vectors FROM memory_spaces s JOIN memory_scopes c ON c.no = s.scope",
      )
      .pluck()
      .all(),
  ];
  return [...lines, ...strays, ...counts, `${lost.pluck().get()} vectors of nothing`].sort();
}

function due(db: Database): string[] {
  const counts = new Map<string, number[]>();
  const count = (name: string, ...by: number[]) =>
    counts.set(
      name,
      by.map((n, at) => n + (counts.get(name)?.[at] ?? 0)),
    );
  const documents = db.prepare<[], { id: string; due_at: number | null; body: string }>(
    "SELECT id, due_at, body FROM documents WHERE collection = 'memory'",
  );
  const lines = documents.all().flatMap(({ id, due_at, body }) => {
    const { scope, text, vector, embedding, metadata } = memoryFrom({
      id,
      dueAt: due_at,
      body: JSON.parse(body),
    } as Document);
    if (text === null && vector === null && embedding === null) return [];
    const words = text === null ? null : wordsOf(text);
    if (words) count(`scope ${scope}`, 1, words.length);
    const spaces = [
      ...(vector === null ? [] : [['given', vector] as const]),
      ...(embedding?.vector == null ? [] : [[`model ${embedding.model}`, embedding.vector] as const]),
    ];
    const near = spaces.map(([name, base64]) => {
      const bytes = Buffer.from(base64, 'base64');
      count(`space ${scope} ${name} ${bytes.length / 4}`, 1);
      return `${scope} ${name} ${bytes.length / 4} ${bytes.toString('hex').toUpperCase()}`;
    });
    return [line(id, words?.length ?? null, due_at, fieldsOf(metadata), countedWords(words ?? []), near)];
  });
  return [...lines, ...[...counts].map(([name, by]) => [name, ...by].join(' ')), '0 vectors of nothing'].sort();
}

function line(
  id: string,
  count: number | null,
  expiresAt: number | null,
  fields: Buffer,
  words: readonly string[],
  near: string[],
): string {
  return JSON.stringify([id, count, expiresAt, fields.toString('hex'), words.toSorted(), near.toSorted()]);
}
