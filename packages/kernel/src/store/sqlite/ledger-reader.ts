import { setImmediate as breathe } from 'node:timers/promises';
import type { Database, Statement } from 'better-sqlite3';
import { GENESIS } from '../../core/chain.ts';
import type { ChainedEntry } from '../../core/event.ts';
import type { Ledger, LedgerQuery, LedgerSpan, Verification } from '../../core/store.ts';
import { fits, indexed } from '../ledger-query.ts';
import { INDEX_KIND, type LedgerHead, type LedgerRow, lengthOf, readRow, storedHash, verifyRow } from './ledger.ts';

const COLUMNS = 'first_id, last_id, entries, hashes';
/** How many rows are looked at before others get a turn. */
const ROWS_A_TURN = 32;

/** What is known of the ledger without looking: kept by the store, handed in. */
export interface LedgerState {
  head: LedgerHead;
  /** The oldest entry still kept, and the hash before it. */
  first: number;
  anchor: string;
}

export class SqliteLedger implements Ledger {
  readonly #state: LedgerState;
  readonly #history: Statement<[string, string], string>;
  readonly #rowsFrom: Statement<[number, number], LedgerRow>;
  readonly #rowWith: Statement<[number], LedgerRow>;
  readonly #rowBefore: Statement<[number], LedgerRow>;
  readonly #rowsByKey: Statement<[number, string, number, number], LedgerRow>;
  readonly #rowsByKeyDown: Statement<[number, string, number, number], LedgerRow>;
  readonly #rowsDown: Statement<[number, number], LedgerRow>;

  constructor(db: Database, state: LedgerState) {
    this.#state = state;
    this.#history = db
      .prepare<[string, string], string>(
        'SELECT history FROM tasks WHERE id = ? UNION ALL SELECT history FROM removed WHERE id = ?',
      )
      .pluck();
    this.#rowsFrom = db.prepare(`SELECT ${COLUMNS} FROM ledger WHERE last_id > ? ORDER BY last_id LIMIT ?`);
    this.#rowWith = db.prepare(`SELECT ${COLUMNS} FROM ledger WHERE last_id >= ? ORDER BY last_id LIMIT 1`);
    this.#rowBefore = db.prepare(`SELECT ${COLUMNS} FROM ledger WHERE last_id < ? ORDER BY last_id DESC LIMIT 1`);
    this.#rowsDown = db.prepare(`SELECT ${COLUMNS} FROM ledger WHERE last_id <= ? ORDER BY last_id DESC LIMIT ?`);
    const byKey = `SELECT l.first_id, l.last_id, l.entries, l.hashes FROM ledger_index i JOIN ledger l USING (last_id)
      WHERE i.kind = ? AND i.key = ?`;
    this.#rowsByKey = db.prepare(`${byKey} AND i.last_id > ? ORDER BY i.last_id LIMIT ?`);
    this.#rowsByKeyDown = db.prepare(`${byKey} AND i.last_id <= ? ORDER BY i.last_id DESC LIMIT ?`);
  }

  /** The first entry behind the head, which no kernel can have written; undefined when there is none. */
  stray(): number | undefined {
    return this.#rowsFrom.get(this.#state.head.id, 1)?.first_id;
  }

  async span(): Promise<LedgerSpan> {
    const { head, first } = this.#state;
    return { first, last: head.id, sealedTo: head.id, hash: head.hash };
  }

  /** Every commit chains what it appends. */
  async seal(): Promise<number> {
    return this.#state.head.id;
  }

  async read(after: number, limit: number): Promise<readonly ChainedEntry[]> {
    const entries: ChainedEntry[] = [];
    let from = after;
    while (entries.length < limit) {
      const rows = this.#rowsFrom.all(from, Math.max(1, Math.min(16, limit - entries.length)));
      for (const row of rows) {
        entries.push(...this.#readRow(row, after + 1, row.last_id));
        from = row.last_id;
        if (entries.length >= limit) break;
      }
      if (rows.length === 0) break;
    }
    return entries.length > limit ? entries.slice(0, limit) : entries;
  }

  /** The entries with these ids, in order. */
  pick(ids: readonly number[]): ChainedEntry[] {
    const entries: ChainedEntry[] = [];
    let row: LedgerRow | undefined;
    for (const id of ids) {
      if (id < this.#state.first) continue;
      if (!row || id > row.last_id || id < row.first_id) row = this.#rowWith.get(id);
      if (row && id >= row.first_id) entries.push(...this.#readRow(row, id, id));
    }
    return entries;
  }

  async query(query: LedgerQuery): Promise<readonly ChainedEntry[]> {
    if (query.taskId !== undefined) return this.#ofTask(query, query.taskId);
    return query.since === undefined ? this.#newest(query) : this.#following(query, query.since);
  }

  /** A task carries the numbers of its entries with it, also beyond its removal. */
  #ofTask(query: LedgerQuery, taskId: string): ChainedEntry[] {
    const ids = (this.#history.get(taskId, taskId) ?? '').split(' ').filter(Boolean).map(Number);
    const { since } = query;
    const entries = this.pick(since === undefined ? ids : ids.filter((id) => id > since)).filter((entry) =>
      fits(entry, query),
    );
    return since === undefined ? entries.slice(-query.limit) : entries.slice(0, query.limit);
  }

  async #following(query: LedgerQuery, since: number): Promise<ChainedEntry[]> {
    const found: ChainedEntry[] = [];
    let from = since;
    for (;;) {
      const rows = this.#rowsUp(query, from);
      for (const row of rows) {
        for (const entry of this.#readRow(row, since + 1, row.last_id)) {
          if (!fits(entry, query)) continue;
          found.push(entry);
          if (found.length === query.limit) return found;
        }
        from = row.last_id;
      }
      if (rows.length < ROWS_A_TURN) return found;
      await breathe();
    }
  }

  async #newest(query: LedgerQuery): Promise<ChainedEntry[]> {
    const found: ChainedEntry[] = [];
    let upTo = this.#state.head.id;
    for (;;) {
      const rows = this.#rowsDownTo(query, upTo);
      for (const row of rows) {
        for (const entry of this.#readRow(row, row.first_id, row.last_id).reverse()) {
          if (!fits(entry, query)) continue;
          found.push(entry);
          if (found.length === query.limit) return found.reverse();
        }
        upTo = row.last_id - 1;
      }
      if (rows.length < ROWS_A_TURN) return found.reverse();
      await breathe();
    }
  }

  #rowsUp(query: LedgerQuery, from: number): LedgerRow[] {
    const key = indexKey(query);
    return key ? this.#rowsByKey.all(...key, from, ROWS_A_TURN) : this.#rowsFrom.all(from, ROWS_A_TURN);
  }

  #rowsDownTo(query: LedgerQuery, upTo: number): LedgerRow[] {
    const key = indexKey(query);
    return key ? this.#rowsByKeyDown.all(...key, upTo, ROWS_A_TURN) : this.#rowsDown.all(upTo, ROWS_A_TURN);
  }

  async verify(): Promise<Verification> {
    const { head } = this.#state;
    let hash = this.#state.anchor;
    let next = this.#state.first;
    const first = next;
    const invalid = (id: number) => ({ valid: false, entries: next - first, head: head.hash, firstInvalidId: id });
    while (next <= head.id) {
      const rows = this.#rowsFrom.all(next - 1, ROWS_A_TURN);
      if (rows.length === 0) return invalid(next);
      for (const row of rows) {
        const after = verifyRow(row, next, hash);
        if (typeof after !== 'string') return invalid(after.invalid);
        hash = after;
        next = row.last_id + 1;
        if (next > head.id) break;
      }
      await breathe();
    }
    if (next > head.id + 1) return invalid(head.id + 1);
    if (hash !== head.hash) return invalid(head.id);
    if (this.stray() !== undefined) return invalid(this.#state.head.id + 1);
    return { valid: true, entries: next - first, head: hash, firstInvalidId: null };
  }

  #readRow(row: LedgerRow, from: number, to: number): ChainedEntry[] {
    const needsAnchor = from <= row.first_id;
    return readRow(row, needsAnchor ? this.#hashBefore(row) : '', from, to);
  }

  #hashBefore(row: LedgerRow): string {
    if (row.first_id <= this.#state.first) return this.#state.anchor;
    const before = this.#rowBefore.get(row.first_id);
    return before ? storedHash(before, lengthOf(before) - 1) : GENESIS;
  }
}

/** The index's key for the most selective of the conditions. */
function indexKey(query: LedgerQuery): [kind: number, key: string] | null {
  const key = indexed(query);
  return key && [INDEX_KIND[key[0]], key[1]];
}
