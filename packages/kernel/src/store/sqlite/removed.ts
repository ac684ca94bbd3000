import type { Database, Statement } from 'better-sqlite3';
import type { Remains } from '../../core/archive.ts';
import type { Tombstone } from '../../core/store.ts';
import { TASK_STATUSES, type TaskStatus } from '../../core/task.ts';
import { historyText } from '../archive.ts';
import { savedName } from '../saved.ts';
import { STATUS_CODE } from './rows.ts';

/** Stands where the status stands, for a task that was removed as if it had never been. */
const NEVER = -1;

// biome-ignore format: as the columns stand
type Row = [id: string, status: number, history: string, version: number, leaseToken: number];

/** What is left of removed tasks: how they ended, which ledger entries tell of them, the highest version and token they had. */
export class Removed {
  readonly #one: Statement<[string], Row>;
  readonly #after: Statement<[string, number], Row>;
  readonly #leave: Statement<
    [status: number, history: string, version: number, token: number, seq: number, version: number]
  >;
  readonly #put: Statement<Row>;
  readonly #say: Statement<[status: number, id: string]>;
  readonly #delete: Statement<[string]>;
  readonly #isNeeded: Statement<[string, string], number>;
  readonly #rows: readonly Statement<[number]>[];
  readonly #tag: Statement<[string, number]>;
  readonly #dependency: Statement<[string, number]>;

  constructor(db: Database) {
    const select = 'SELECT id, status, history, version, lease_token FROM removed';
    const columns = 'removed (id, status, history, version, lease_token)';
    this.#one = db.prepare<[string], Row>(`${select} WHERE id = ?`).raw();
    this.#after = db.prepare<[string, number], Row>(`${select} WHERE id > ? ORDER BY id LIMIT ?`).raw();
    this.#leave = db.prepare(
      `INSERT OR REPLACE INTO ${columns}
       SELECT id, ?, history || ?, ?, ? FROM tasks WHERE seq = ? AND version = ?`,
    );
    this.#put = db.prepare(`INSERT OR REPLACE INTO ${columns} VALUES (?, ?, ?, ?, ?)`);
    this.#say = db.prepare('UPDATE removed SET status = ? WHERE id = ?');
    this.#delete = db.prepare('DELETE FROM removed WHERE id = ?');
    this.#isNeeded = db
      .prepare<[string, string], number>(
        'SELECT EXISTS (SELECT 1 FROM dependencies WHERE on_id = ?) OR EXISTS (SELECT 1 FROM saved WHERE name = ?)',
      )
      .pluck();
    this.#rows = ['tasks', 'specs', 'children'].map((table) => db.prepare(`DELETE FROM ${table} WHERE seq = ?`));
    this.#tag = db.prepare('DELETE FROM tags WHERE tag = ? AND seq = ?');
    this.#dependency = db.prepare('DELETE FROM dependencies WHERE on_id = ? AND seq = ?');
  }

  /** Null where nothing is left, or of what has never been. */
  tombstone(id: string): Tombstone | null {
    const status = this.#one.get(id)?.[1] ?? NEVER;
    return status === NEVER ? null : { id, removed: true, status: TASK_STATUSES[status]! };
  }

  remains(id: string): Remains | null {
    const row = this.#one.get(id);
    return row ? remainsOf(row) : null;
  }

  /** In the order of their ids, behind this one; with the history of each. */
  after(id: string, limit: number): { remains: Remains; history: string }[] {
    return this.#after.all(id, limit).map((row) => ({ remains: remainsOf(row), history: row[2] }));
  }

  copy({ id, status, version, leaseToken }: Remains, history: readonly number[]): void {
    this.#put.run(id, codeOf(status), historyText(history), version, leaseToken);
  }

  /**
   * Puts what is to be left in a task's place. Answers whether there was one of the `stored` version.
   * @param status its code; null: it has never been
   */
  leave(
    { seq, stored, version, leaseToken, tags, dependsOn }: Leaving,
    status: number | null,
    history: string,
  ): boolean {
    const { changes } = this.#leave.run(status ?? NEVER, history, version, leaseToken, seq, stored);
    if (changes !== 1) return false;
    for (const tag of tags) this.#tag.run(tag, seq);
    for (const on of dependsOn) this.#dependency.run(on, seq);
    for (const row of this.#rows) row.run(seq);
    return true;
  }

  /** What is left of a task says from now on how it ended, if anything is left. @param status null: it has never been */
  say(id: string, status: TaskStatus | null): void {
    this.#say.run(codeOf(status), id);
  }

  /** Takes what is left of a task that is there again. Answers its history. */
  take(id: string): string {
    const history = this.#one.get(id)?.[2] ?? '';
    this.#delete.run(id);
    return history;
  }

  /**
   * Lets go what is left of those of which the ledger, which begins with `first`, tells no more; unless a task depends on
   * it, or a rollback may bring it back.
   */
  forget(ids: Iterable<string>, first: number): void {
    for (const id of new Set(ids)) {
      const history = this.#one.get(id)?.[2];
      if (history === undefined || Number(history.slice(history.lastIndexOf(' '))) >= first) continue;
      if (this.#isNeeded.get(id, savedName('task', id)) === 0) this.#delete.run(id);
    }
  }
}

interface Leaving {
  readonly seq: number;
  /** The version that is stored, and the highest it had before it goes. */
  readonly stored: number;
  readonly version: number;
  readonly leaseToken: number;
  readonly tags: readonly string[];
  readonly dependsOn: readonly string[];
}

function codeOf(status: TaskStatus | null): number {
  return status === null ? NEVER : STATUS_CODE[status];
}

function remainsOf([id, status, , version, leaseToken]: Row): Remains {
  return { id, status: status === NEVER ? null : TASK_STATUSES[status]!, version, leaseToken };
}
