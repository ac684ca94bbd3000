import type { Database, Statement } from 'better-sqlite3';
import type { Now } from '../../core/clock.ts';
import { BEYOND_COUNTING, type Due, type Page, type QueueRank, type TaskQuery } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import { sizeOf } from '../task-size.ts';
import type { Documents } from './documents.ts';
import type { Mirror } from './mirror.ts';
import { STATUS_CODE, TASK_COLUMNS, TASK_TABLES, type TaskRow, taskFromRow } from './rows.ts';

/** Listings and look-outs: every one an index scan. */
export class Queries {
  readonly #db: Database;
  readonly #mirror: Mirror;
  readonly #documents: Documents;
  readonly #lists = new Map<string, Statement<unknown[], TaskRow>>();
  readonly #ready: Statement<[number, number], TaskRow>;
  readonly #nextReady: Statement<[], number>;
  readonly #oldestQueued: Statement<[], number>;
  readonly #ahead: Statement<[number, number, number, number], number>;

  constructor(db: Database, mirror: Mirror, documents: Documents) {
    this.#db = db;
    this.#mirror = mirror;
    this.#documents = documents;
    this.#ready = db
      .prepare<[number, number], TaskRow>(
        `SELECT ${TASK_COLUMNS} FROM ${TASK_TABLES} WHERE t.due_at IS NOT NULL AND t.due_at <= ? ORDER BY t.due_at LIMIT ?`,
      )
      .raw();
    this.#nextReady = db
      .prepare<[], number>('SELECT due_at FROM tasks WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1')
      .pluck();
    this.#oldestQueued = db
      .prepare<[], number>(
        'SELECT queued_at FROM tasks INDEXED BY tasks_by_status WHERE status = 1 ORDER BY seq LIMIT 1',
      )
      .pluck();
    this.#ahead = db.prepare<[number, number, number, number], number>(AHEAD).pluck();
  }

  tasks(query: TaskQuery): Page<Task> {
    const items: Task[] = [];
    let bytes = 0;
    for (const row of this.#list(query).iterate(...valuesOf(query))) {
      const task = taskFromRow(row);
      bytes += sizeOf(task);
      if (items.length === query.limit || (items.length > 0 && bytes > query.maxBytes)) return { items, more: true };
      items.push(task);
    }
    return { items, more: false };
  }

  /** One statement for each combination of conditions, driven by the most selective one's index. */
  #list(query: TaskQuery): Statement<unknown[], TaskRow> {
    const conditions = [
      query.tag === undefined ? [] : ['g.tag = ?'],
      query.planId === undefined ? [] : ['t.plan = ?'],
      query.workerId === undefined ? [] : ['t.worker = ?'],
      query.createdBy === undefined ? [] : [createdBy(query.createdBy)],
      query.status === undefined ? [] : ['t.status = ?'],
      query.before === undefined ? [] : [query.tag === undefined ? 't.seq < ?' : 'g.seq < ?'],
    ].flat();
    const text = conditions.join(' AND ');
    let list = this.#lists.get(text);
    if (!list) {
      const tables =
        query.tag === undefined
          ? TASK_TABLES
          : `tags g CROSS JOIN ${TASK_TABLES.replace('tasks t', 'tasks t ON t.seq = g.seq')}`;
      const order = query.tag === undefined ? 't.seq' : 'g.seq';
      list = this.#db
        .prepare<unknown[], TaskRow>(
          `SELECT ${TASK_COLUMNS} FROM ${tables} ${text && `WHERE ${text}`} ORDER BY ${order} DESC LIMIT ?`,
        )
        .raw();
      this.#lists.set(text, list);
    }
    return list;
  }

  due(now: Now, limit: number): Due {
    return {
      ready: this.#ready.all(now.wall, limit).map(taskFromRow),
      overdue: this.#mirror.deadlines.over(now.steady, limit).map((id) => this.#mirror.executing.get(id)!),
      documents: this.#documents.due(now.wall, limit),
      nextReadyAt: earlier(this.#nextReady.get() ?? null, this.#documents.nextDue()),
      nextDeadline: this.#mirror.deadlines.next(),
    };
  }

  oldestQueued(): number | null {
    return this.#oldestQueued.get() ?? null;
  }

  position({ priority, seq }: QueueRank): number {
    return 1 + this.#ahead.get(priority, priority, seq, BEYOND_COUNTING - 1)!;
  }
}

/** Goes from lane to lane, in each along the queue's index, and no further than the limit says. */
const AHEAD = `
  SELECT count(*) FROM (
    SELECT 1 FROM lanes l CROSS JOIN tasks t INDEXED BY tasks_queue
      ON t.status = 1 AND t.lane = l.id AND t.priority > ? WHERE l.queued > 0
    UNION ALL
    SELECT 1 FROM lanes l CROSS JOIN tasks t INDEXED BY tasks_queue
      ON t.status = 1 AND t.lane = l.id AND t.priority = ? AND t.seq < ? WHERE l.queued > 0
    LIMIT ?
  )`;

/**
 * The index leaves out the anonymous, who are nobody or nearly everybody: naming its condition lets it be used for
 * all others, and for the anonymous a walk from the newest on finds them as fast.
 */
function createdBy(name: string): string {
  return name === 'anonymous' ? 't.created_by = ?' : `t.created_by = ? AND t.created_by <> 'anonymous'`;
}

function valuesOf(query: TaskQuery): unknown[] {
  return [
    query.tag,
    query.planId,
    query.workerId,
    query.createdBy,
    query.status === undefined ? undefined : STATUS_CODE[query.status],
    query.before,
    query.limit + 1,
  ].filter((value) => value !== undefined);
}

function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}
