import type { Database, Statement } from 'better-sqlite3';
import type { Remains } from '../../core/archive.ts';
import type { Document } from '../../core/document.ts';
import {
  type IdempotencyRecord,
  type LaneHead,
  type LaneNeed,
  type Loaded,
  MOST_DEPENDENTS,
  MOST_UNFINISHED,
  type Needs,
  type Outsiders,
  type Portion,
  type PortionNeed,
} from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import type { Present } from '../saved.ts';
import { nameOfNeed } from '../units.ts';
import type { Documents } from './documents.ts';
import type { Mirror } from './mirror.ts';
import type { Removed } from './removed.ts';
import { STATUS_CODE, TASK_COLUMNS, TASK_TABLES, type TaskRow, taskFromRow } from './rows.ts';

const FROM = `SELECT ${TASK_COLUMNS} FROM ${TASK_TABLES}`;
const UNFINISHED = [STATUS_CODE.pending, STATUS_CODE.queued, STATUS_CODE.executing];
const NO_TASKS: readonly Task[] = [];
const NOBODY: Portion = { tasks: NO_TASKS, more: false, count: 0 };

/** Answers `Store.load`, and what else reads single records. */
export class Loader implements Present {
  readonly #mirror: Mirror;
  readonly #documents: Documents;
  readonly #task: Statement<[string], TaskRow>;
  readonly #removed: Removed;
  readonly #idempotency: Statement<[string], { body_hash: string; task_ids: string; at: number }>;
  readonly #dependents: Statement<[string], TaskRow>;
  readonly #children: Statement<[string], TaskRow>;
  readonly #unfinished: Statement<[string, number], TaskRow>;
  readonly #outsiders: Statement<[string, string], TaskRow>;
  readonly #portion: Statement<[string, number, number], TaskRow>;
  readonly #dependentCount: Statement<[string], number>;
  readonly #laneTop: Statement<[number, number], TaskRow>;
  readonly #laneSamePriority: Statement<[number, number, number, number], TaskRow>;
  readonly #laneLowerPriority: Statement<[number, number, number], TaskRow>;

  constructor(db: Database, mirror: Mirror, documents: Documents, removed: Removed) {
    this.#mirror = mirror;
    this.#removed = removed;
    this.#documents = documents;
    this.#task = db.prepare<[string], TaskRow>(`${FROM} WHERE t.id = ?`).raw();
    this.#idempotency = db.prepare('SELECT body_hash, task_ids, at FROM idempotency WHERE key = ?');
    this.#dependents = db
      .prepare<[string], TaskRow>(`${FROM} JOIN dependencies d ON d.seq = t.seq WHERE d.on_id = ?`)
      .raw();
    this.#children = db
      .prepare<[string], TaskRow>(`${FROM} JOIN children c ON c.seq = t.seq WHERE c.parent_id = ?`)
      .raw();
    this.#unfinished = db
      .prepare<[string, number], TaskRow>(
        `${FROM} WHERE t.plan = ? AND t.status IN (${UNFINISHED.join(', ')}) ORDER BY t.seq LIMIT ?`,
      )
      .raw();
    this.#outsiders = db
      .prepare<[string, string], TaskRow>(
        `${FROM} JOIN dependencies d ON d.seq = t.seq WHERE d.on_id = ? AND t.plan IS NOT ?`,
      )
      .raw();
    this.#portion = db
      .prepare<[string, number, number], TaskRow>(
        `${FROM} JOIN dependencies d ON d.seq = t.seq WHERE d.on_id = ? AND d.seq > ? ORDER BY d.seq LIMIT ?`,
      )
      .raw();
    this.#dependentCount = db.prepare<[string], number>('SELECT count(*) FROM dependencies WHERE on_id = ?').pluck();
    // CROSS JOIN keeps the queue's index outermost: tasks come in queue order, and only as many as are asked for.
    const lane = `SELECT ${TASK_COLUMNS} FROM tasks t INDEXED BY tasks_queue CROSS JOIN specs s CROSS JOIN lanes l
      WHERE t.status = 1 AND t.lane = ? AND s.seq = t.seq AND l.id = t.lane`;
    const order = 'ORDER BY t.priority DESC, t.seq LIMIT ?';
    this.#laneTop = db.prepare<[number, number], TaskRow>(`${lane} ${order}`).raw();
    this.#laneSamePriority = db
      .prepare<[number, number, number, number], TaskRow>(`${lane} AND t.priority = ? AND t.seq > ? ${order}`)
      .raw();
    this.#laneLowerPriority = db
      .prepare<[number, number, number], TaskRow>(`${lane} AND t.priority < ? ${order}`)
      .raw();
  }

  load(needs: Needs): Loaded {
    const firstSequence = this.#mirror.nextSequence;
    this.#mirror.nextSequence += needs.sequences ?? 0;
    const dependents = closure(needs.allDependents, (id) => this.#dependentsOf(id));
    for (const id of needs.dependents ?? []) dependents.set(id, this.#dependentsOf(id));
    return {
      tasks: mapOf(needs.tasks, (id) => this.task(id) ?? this.#removed.tombstone(id)),
      workers: mapOf(needs.workers, (id) => this.#mirror.workers.get(id) ?? null),
      idempotency: mapOf(needs.idempotency, (key) => this.key(key)),
      documents: mapOf(needs.documents, (name) => this.document(name)),
      dependents,
      children: closure(needs.allDescendants, (id) => this.#children.all(id).map(taskFromRow)),
      unfinished: mapOf(needs.unfinished, (plan) => this.#unfinished.all(plan, MOST_UNFINISHED).map(taskFromRow)),
      portions: new Map(needs.portions?.map((need) => [need.id, this.#portionOf(need)])),
      outsiders: new Map(
        needs.outsiders?.flatMap(({ plan, ids }) => ids.map((id) => [id, this.#outsidersOf(plan, id)])),
      ),
      lanes: new Map(needs.lanes?.map((need) => [nameOfNeed(need), this.#lane(need)])),
      pools: mapOf(needs.pools, (pool) => this.#mirror.executingIn(pool)),
      firstSequence,
    };
  }

  task(id: string): Task | null {
    const executing = this.#mirror.executing.get(id);
    if (executing) return executing;
    const row = this.#task.get(id);
    return row ? taskFromRow(row) : null;
  }

  remains(id: string): Remains | null {
    return this.#removed.remains(id);
  }

  document(name: string): Document | null {
    return this.#documents.named(name);
  }

  key(key: string): IdempotencyRecord | null {
    const row = this.#idempotency.get(key);
    return row ? { key, bodyHash: row.body_hash, taskIds: row.task_ids.split(' '), at: row.at } : null;
  }

  #dependentsOf(id: string): readonly Task[] {
    return this.#mirror.hasDependencies ? this.#dependents.all(id).map(taskFromRow) : NO_TASKS;
  }

  #portionOf({ id, after }: PortionNeed): Portion {
    if (!this.#mirror.hasDependencies) return NOBODY;
    const tasks = this.#portion.all(id, after, MOST_DEPENDENTS + 1).map(taskFromRow);
    if (tasks.length <= MOST_DEPENDENTS)
      return { tasks, more: false, count: after === 0 ? tasks.length : this.#dependentCount.get(id)! };
    tasks.pop();
    return { tasks, more: true, count: this.#dependentCount.get(id)! };
  }

  #outsidersOf(plan: string, id: string): Outsiders {
    const count = this.#mirror.hasDependencies ? this.#dependentCount.get(id)! : 0;
    return { tasks: count === 0 ? NO_TASKS : this.#outsiders.all(id, plan).map(taskFromRow), count };
  }

  #lane({ lane: key, priority, after, limit }: LaneNeed): LaneHead {
    const lane = this.#mirror.lanes.get(key);
    if (!lane) return { tasks: [], more: false };
    const rows =
      priority !== undefined
        ? this.#laneSamePriority.all(lane.rowId, priority, after?.seq ?? 0, limit + 1)
        : after === null
          ? this.#laneTop.all(lane.rowId, limit + 1)
          : this.#behind(lane.rowId, after, limit + 1);
    const more = rows.length > limit;
    if (more) rows.pop();
    return { tasks: rows.map(taskFromRow), more };
  }

  #behind(lane: number, after: NonNullable<LaneNeed['after']>, limit: number): TaskRow[] {
    const rows = this.#laneSamePriority.all(lane, after.priority, after.seq, limit);
    if (rows.length < limit) rows.push(...this.#laneLowerPriority.all(lane, after.priority, limit - rows.length));
    return rows;
  }
}

function mapOf<T>(keys: readonly string[] | undefined, find: (key: string) => T): Map<string, T> {
  const map = new Map<string, T>();
  if (keys) for (const key of keys) map.set(key, find(key));
  return map;
}

/** Follows a relation from each root as far as it goes. */
function closure(
  roots: readonly string[] | undefined,
  next: (id: string) => readonly Task[],
): Map<string, readonly Task[]> {
  const found = new Map<string, readonly Task[]>();
  const open = [...(roots ?? [])];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue;
    const tasks = next(id);
    found.set(id, tasks);
    for (const task of tasks) open.push(task.id);
  }
  return found;
}
