import type { Database, Statement } from 'better-sqlite3';
import type { SavedText } from '../../core/archive.ts';
import type { Saved, SavedPage, SavedQuery } from '../../core/saved.ts';
import { BATCH_BYTES } from '../archive.ts';
import {
  absentIn,
  Cursor,
  compare,
  KnownSaved,
  namedIn,
  type Present,
  savedName,
  savedText,
  statesBefore,
} from '../saved.ts';
import { sizeOf } from '../task-size.ts';
import type { Merged } from '../units.ts';
import type { Removed } from './removed.ts';

type KeptRow = [number: number, name: string, text: string | null];
type Row = [...KeptRow, isLowest: number];

/** What is kept for checkpoints: under its number, each record once. */
export class SavedStates {
  readonly #known = new KnownSaved();
  readonly #keep: Statement<[number, string, string | null]>;
  readonly #page: Statement<[number, number, string, number], Row>;
  readonly #first: Statement<[string, number], string | null>;
  readonly #below: Statement<[number, number], KeptRow>;
  readonly #delete: Statement<[number, string]>;

  constructor(db: Database) {
    this.#keep = db.prepare('INSERT INTO saved (number, name, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
    // What is kept under an earlier number that counts as well came with that one.
    this.#page = db
      .prepare<[number, number, string, number], Row>(
        `SELECT number, name, text,
           NOT EXISTS (SELECT 1 FROM saved s WHERE s.name = saved.name AND s.number >= ? AND s.number < saved.number)
         FROM saved WHERE (number, name) > (?, ?) ORDER BY number, name LIMIT ?`,
      )
      .raw();
    this.#first = db
      .prepare<[string, number], string | null>(
        'SELECT text FROM saved WHERE name = ? AND number >= ? ORDER BY number LIMIT 1',
      )
      .pluck();
    this.#below = db
      .prepare<[number, number], KeptRow>(
        'SELECT number, name, text FROM saved WHERE number < ? ORDER BY number, name LIMIT ?',
      )
      .raw();
    this.#delete = db.prepare('DELETE FROM saved WHERE number = ? AND name = ?');
  }

  /** Keeps what a commit will change, as it is before. Answers the names of what is kept by now. */
  keep(number: number, merged: Merged, removed: Removed): string[] {
    const names: string[] = [];
    const left = new Map([...absentIn(merged)].map((id) => [savedName('task', id), removed.tombstone(id)?.status]));
    for (const [name, record] of statesBefore(merged)) {
      if (this.#known.has(number, name)) continue;
      this.#keep.run(number, name, record ? savedText(record) : (left.get(name) ?? null));
      names.push(name);
    }
    return names;
  }

  /** The commit that kept these is on disk. */
  kept(number: number, names: readonly string[]): void {
    this.#known.add(number, names);
  }

  copy({ number, name, text }: SavedText): void {
    this.#keep.run(number, name, text);
  }

  page({ since, after, limit }: SavedQuery, present: Present): SavedPage {
    const from = Cursor.from(after) ?? new Cursor(since, '');
    const items: Saved[] = [];
    let looked = 0;
    let bytes = 0;
    for (const [number, name, text, isLowest] of this.#page.iterate(since, from.number, from.name, limit)) {
      looked++;
      if (isLowest === 1) {
        const item = compare(number, name, text, present);
        if (item) items.push(item);
        bytes += (text?.length ?? 0) + sizeOfCurrent(item);
      }
      if (looked === limit || bytes > BATCH_BYTES) return { items, next: new Cursor(number, name).text };
    }
    return { items, next: null };
  }

  /** What was kept first of each of these, under this number or a later one; nothing of what has not changed since. */
  since(number: number, names: readonly string[]): Map<string, string | null> {
    const kept = new Map<string, string | null>();
    for (const name of names) {
      const text = this.#first.get(name, number);
      if (text !== undefined) kept.set(name, text);
    }
    return kept;
  }

  /** All of them, behind this one. */
  *after(from: Cursor, limit: number): Iterable<SavedText> {
    for (const [number, name, text] of this.#page.iterate(0, from.number, from.name, limit)) {
      yield { kind: 'saved', number, name, text };
    }
  }

  /** Lets go what is kept below a number. Answers how much, and which tasks it was about or named. */
  forget(below: number, limit: number): { readonly gone: number; readonly tasks: string[] } {
    const going: [number: number, name: string][] = [];
    const tasks: string[] = [];
    let bytes = 0;
    for (const [number, name, text] of this.#below.iterate(below, limit)) {
      going.push([number, name]);
      tasks.push(...namedIn(name, text));
      bytes += text?.length ?? 0;
      if (bytes > BATCH_BYTES) break;
    }
    for (const [number, name] of going) this.#delete.run(number, name);
    return { gone: going.length, tasks };
  }
}

function sizeOfCurrent(item: Saved | null): number {
  if (item === null || item.current === null) return 0;
  return item.kind === 'task' ? sizeOf(item.current) : JSON.stringify(item.current).length;
}
