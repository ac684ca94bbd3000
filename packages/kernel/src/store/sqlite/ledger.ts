import type { Database, Statement } from 'better-sqlite3';
import { canonicalEntry, chainHash } from '../../core/chain.ts';
import { StorageUnavailable } from '../../core/errors.ts';
import type { ChainedEntry, LedgerEntry, LedgerType, NewEvent, Source } from '../../core/event.ts';

/**
 * The ledger's rows. One row holds the entries of one commit (up to `MOST_IN_ROW`): their canonical texts, a line
 * each, and their hashes. A row a commit instead of a row an entry makes writing cheap; an index entry for each type,
 * worker and actor in a row, instead of in an entry, keeps finding cheap as well.
 */

const MOST_IN_ROW = 128;
const HASH_BYTES = 32;

export const INDEX_KIND = { type: 0, worker: 1, actor: 2 } as const;

export interface LedgerRow {
  readonly first_id: number;
  readonly last_id: number;
  readonly entries: string;
  readonly hashes: Buffer;
}

/** The newest entry's id, 0 when there is none, and its hash. */
export interface LedgerHead {
  readonly id: number;
  readonly hash: string;
}

/** Entries on their way into the ledger: numbered and chained, not yet written. */
export interface Appended {
  readonly entries: LedgerEntry[];
  /** Entry ids by the task they are about. */
  readonly byTask: Map<string, number[]>;
  readonly head: LedgerHead;
}

export class LedgerWriter {
  readonly #insert: Statement;
  readonly #index: Statement;

  constructor(db: Database) {
    this.#insert = db.prepare('INSERT INTO ledger (last_id, first_id, at, entries, hashes) VALUES (?, ?, ?, ?, ?)');
    this.#index = db.prepare('INSERT INTO ledger_index (kind, key, last_id) VALUES (?, ?, ?)');
  }

  /** Numbers and chains events behind `head`, and writes them. Must run inside a transaction. */
  append(head: LedgerHead, events: readonly NewEvent[], at: number): Appended {
    const appended: Appended = { entries: [], byTask: new Map(), head };
    let { id, hash } = head;
    for (let start = 0; start < events.length; start += MOST_IN_ROW) {
      const piece = events.slice(start, start + MOST_IN_ROW);
      const lines: string[] = [];
      const hashes: string[] = [];
      const firstId = id + 1;
      for (const event of piece) {
        const entry = number(event, ++id, at);
        const line = canonicalEntry(entry);
        hash = chainHash(hash, line);
        lines.push(line);
        hashes.push(hash);
        appended.entries.push(entry);
        if (entry.taskId !== null) remember(appended.byTask, entry.taskId, id);
      }
      this.#insert.run(id, firstId, at, lines.join('\n'), Buffer.from(hashes.join(''), 'hex'));
      this.#indexRow(id, appended.entries.slice(-piece.length));
    }
    return { ...appended, head: { id, hash } };
  }

  /** Writes a row of entries as they were chained elsewhere. Must run inside a transaction. */
  copy(entries: readonly ChainedEntry[]): void {
    const { id: lastId, at } = entries.at(-1)!;
    const hashes = Buffer.from(entries.map(({ hash }) => hash).join(''), 'hex');
    this.#insert.run(lastId, entries[0]!.id, at, entries.map(canonicalEntry).join('\n'), hashes);
    this.#indexRow(lastId, entries);
  }

  #indexRow(lastId: number, entries: readonly LedgerEntry[]): void {
    const keys: [Set<string>, Set<string>, Set<string>] = [new Set(), new Set(), new Set()];
    for (const entry of entries) {
      keys[INDEX_KIND.type].add(entry.type);
      if (entry.workerId !== null) keys[INDEX_KIND.worker].add(entry.workerId);
      keys[INDEX_KIND.actor].add(entry.actor);
    }
    for (const [kind, set] of keys.entries()) for (const key of set) this.#index.run(kind, key, lastId);
  }
}

function number(event: NewEvent, id: number, at: number): LedgerEntry {
  const { task_id, worker_id } = event.data;
  return {
    id,
    type: event.type,
    source: event.source,
    actor: event.actor,
    at,
    // Events are made with their members in order, so this is the canonical form already.
    data: JSON.stringify(event.data),
    taskId: typeof task_id === 'string' ? task_id : null,
    workerId: typeof worker_id === 'string' ? worker_id : null,
  };
}

function remember(map: Map<string, number[]>, key: string, id: number): void {
  const ids = map.get(key);
  if (ids) ids.push(id);
  else map.set(key, [id]);
}

/** How many entries a row claims to hold. */
export function lengthOf(row: LedgerRow): number {
  return row.last_id - row.first_id + 1;
}

/** The hash stored for the row's `index`-th entry. */
export function storedHash(row: LedgerRow, index: number): string {
  return row.hashes.toString('hex', index * HASH_BYTES, (index + 1) * HASH_BYTES);
}

/**
 * Reads a row's entries `from`..`to` (ids, inclusive) back.
 * @param prevHash the hash before the row's first entry
 */
export function readRow(row: LedgerRow, prevHash: string, from: number, to: number): ChainedEntry[] {
  const lines = row.entries.split('\n');
  const entries: ChainedEntry[] = [];
  for (let id = Math.max(from, row.first_id); id <= Math.min(to, row.last_id); id++) {
    const index = id - row.first_id;
    const prev = index === 0 ? prevHash : storedHash(row, index - 1);
    entries.push({ ...parseEntry(lines[index], id), prevHash: prev, hash: storedHash(row, index) });
  }
  return entries;
}

interface Canonical {
  actor: string;
  details: Record<string, unknown>;
  event_type: LedgerType;
  source: Source;
  timestamp: string;
}

function parseEntry(line: string | undefined, id: number): LedgerEntry {
  try {
    const { actor, details, event_type, source, timestamp } = JSON.parse(line!) as Canonical;
    const { task_id, worker_id } = details;
    return {
      id,
      type: event_type,
      source,
      actor,
      at: Date.parse(timestamp),
      data: JSON.stringify(details),
      taskId: typeof task_id === 'string' ? task_id : null,
      workerId: typeof worker_id === 'string' ? worker_id : null,
    };
  } catch {
    throw new StorageUnavailable(`ledger entry ${id} cannot be read: the database was damaged`);
  }
}

/**
 * Recomputes a row's part of the chain from its texts.
 * @returns the hash after the row, or the id of the first entry that is not what was written
 */
export function verifyRow(row: LedgerRow, expectedFirst: number, prevHash: string): string | { invalid: number } {
  if (row.first_id !== expectedFirst) return { invalid: expectedFirst };
  const lines = row.entries.split('\n');
  let hash = prevHash;
  for (let index = 0; index < lengthOf(row); index++) {
    const line = lines[index];
    if (line === undefined) return { invalid: row.first_id + index };
    hash = chainHash(hash, line);
    if (hash !== storedHash(row, index) || !isNumbered(line, row.first_id + index)) {
      return { invalid: row.first_id + index };
    }
  }
  return lines.length > lengthOf(row) ? { invalid: row.last_id + 1 } : hash;
}

/** The text itself names the entry's number: a row moved elsewhere would otherwise pass at a restart of the chain. */
function isNumbered(line: string, id: number): boolean {
  return line.includes(`,"id":${id},"source":`);
}
