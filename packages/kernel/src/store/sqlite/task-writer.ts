import type { Database, Statement } from 'better-sqlite3';
import type { Task } from '../../core/task.ts';
import { Conflict, changesSpec } from '../units.ts';
import type { Removed } from './removed.ts';
import { changes, insertOf, settings, updateOf } from './rows.ts';

/** Writes single tasks, with what hangs on a new one. Each combination of columns has a statement of its own. */
export class TaskWriter {
  readonly #db: Database;
  readonly #removed: Removed;
  /** By the columns they name. */
  readonly #inserts = new Map<number, Statement>();
  readonly #updates = new Map<number, Statement>();
  readonly #appendHistory: Statement;
  readonly #insertSpec: Statement;
  readonly #updateSpec: Statement;
  readonly #insertDependency: Statement;
  readonly #insertChild: Statement;
  readonly #insertTag: Statement;

  constructor(db: Database, removed: Removed) {
    this.#db = db;
    this.#removed = removed;
    this.#appendHistory = db.prepare('UPDATE tasks SET history = history || ? WHERE id = ?');
    this.#insertSpec = db.prepare('INSERT INTO specs (seq, json) VALUES (?, ?)');
    this.#updateSpec = db.prepare('UPDATE specs SET json = ? WHERE seq = ?');
    this.#insertDependency = db.prepare('INSERT INTO dependencies (on_id, seq) VALUES (?, ?)');
    this.#insertChild = db.prepare('INSERT INTO children (parent_id, seq) VALUES (?, ?)');
    this.#insertTag = db.prepare('INSERT INTO tags (tag, seq) VALUES (?, ?)');
  }

  update(first: Task, last: Task, history: string): void {
    const { columns, values } = changes(first, last);
    const update = this.#statement(this.#updates, columns, updateOf);
    if (update.run(...values, history, last.seq, first.version).changes !== 1) throw new Conflict();
    if (changesSpec(first, last)) this.#updateSpec.run(last.spec.json, last.seq);
  }

  #statement(known: Map<number, Statement>, columns: number, text: (columns: number) => string): Statement {
    let statement = known.get(columns);
    if (!statement) {
      statement = this.#db.prepare(text(columns));
      known.set(columns, statement);
    }
    return statement;
  }

  /** @param parent what it descends from */
  insert(task: Task, lane: number, history: string, parent = task.spec.value.parent_id): void {
    const { created_by, depends_on, tags } = task.spec.value;
    try {
      const { columns, values } = settings(task);
      this.#statement(this.#inserts, columns, insertOf).run(
        ...values,
        history,
        task.seq,
        task.id,
        lane,
        task.priority,
        task.createdAt,
        created_by,
        task.timeoutMs,
        task.depth,
      );
    } catch (error) {
      if (/^SQLITE_CONSTRAINT_(PRIMARYKEY|UNIQUE|ROWID)$/.test((error as { code?: string }).code ?? ''))
        throw new Conflict();
      throw error;
    }
    this.#insertSpec.run(task.seq, task.spec.json);
    for (const id of depends_on) this.#insertDependency.run(id, task.seq);
    if (parent !== null) this.#insertChild.run(parent, task.seq);
    for (const tag of tags) this.#insertTag.run(tag, task.seq);
  }

  /** What was removed before is there again, with its history. */
  bringBack(task: Task, lane: number, history: string): void {
    this.insert(task, lane, this.#removed.take(task.id) + history);
  }

  /** As if it had never been. @param last as it was before it goes */
  remove(first: Task, { seq, version, leaseToken, spec }: Task, history: string): void {
    const { tags, depends_on: dependsOn } = spec.value;
    const leaving = { seq, stored: first.version, version, leaseToken, tags, dependsOn };
    if (!this.#removed.leave(leaving, null, history)) throw new Conflict();
  }

  /** Entries about a task that itself did not change. */
  appendHistory(taskId: string, history: string): void {
    this.#appendHistory.run(history, taskId);
  }
}
