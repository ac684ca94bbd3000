import type { Database, Statement } from 'better-sqlite3';
import type { NewEvent } from '../../core/event.ts';
import type { Committed, IdempotencyRecord, LedgerHead, Put, Unit } from '../../core/store.ts';
import type { Task, TaskStatus } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { LaneChanges } from './lane-changes.ts';
import { type Appended, LedgerWriter } from './ledger.ts';
import type { LaneState, Mirror } from './mirror.ts';
import { PUT_WORKER, STATUS_CODE, workerValues } from './rows.ts';
import { Conflict, TaskWriter } from './task-writer.ts';

/** What all units of one commit come to: each record's state before and after. */
interface Merged {
  readonly tasks: Map<string, { first: Task | null; last: Task }>;
  readonly workers: Map<string, { first: Worker | null; last: Worker | null }>;
  readonly idempotency: { prev: IdempotencyRecord | null; next: IdempotencyRecord }[];
  readonly events: NewEvent[];
}

/** A version that nothing expects. */
const NEVER = -1;

/**
 * Writes commits. A record that several units of a commit change is written once, in its final state: a task that is
 * submitted and assigned in the same breath costs one insert. Records are expected at their versions by the very
 * statements that change them; only if one of those misses is the commit taken apart to find which units conflict.
 */
export class Writer {
  readonly #db: Database;
  readonly #mirror: Mirror;
  readonly #ledger: LedgerWriter;
  readonly #tasks: TaskWriter;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #putWorker: Statement;
  readonly #deleteWorker: Statement;
  readonly #putIdempotency: Statement;
  readonly #insertLane: Statement;
  readonly #updateLane: Statement;
  readonly #deleteLane: Statement;
  readonly #putCount: Statement;
  readonly #putMeta: Statement;
  readonly #taskVersion: Statement<[string], number>;
  readonly #idempotencyAt: Statement<[string], number>;

  constructor(db: Database, mirror: Mirror) {
    this.#db = db;
    this.#mirror = mirror;
    this.#ledger = new LedgerWriter(db);
    this.#tasks = new TaskWriter(db);
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#putWorker = db.prepare(PUT_WORKER);
    this.#deleteWorker = db.prepare('DELETE FROM workers WHERE id = ?');
    this.#putIdempotency = db.prepare(
      `INSERT INTO idempotency (key, body_hash, task_ids, at) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET body_hash = excluded.body_hash, task_ids = excluded.task_ids, at = excluded.at
       WHERE idempotency.at = ?`,
    );
    this.#insertLane = db.prepare('INSERT INTO lanes (key, requirements, queued, tasks) VALUES (?, ?, 0, 0)');
    this.#updateLane = db.prepare('UPDATE lanes SET queued = queued + ?, tasks = tasks + ? WHERE id = ?');
    this.#deleteLane = db.prepare('DELETE FROM lanes WHERE id = ?');
    this.#putCount = db.prepare('INSERT OR REPLACE INTO counts (status, tasks) VALUES (?, ?)');
    this.#putMeta = db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    this.#taskVersion = db.prepare<[string], number>('SELECT version FROM tasks WHERE id = ?').pluck();
    this.#idempotencyAt = db.prepare<[string], number>('SELECT at FROM idempotency WHERE key = ?').pluck();
  }

  /** One durable transaction for all units that do not conflict. Throws what the driver throws; then nothing happened. */
  commit(units: readonly Unit[], at: number): Committed {
    try {
      return { outcomes: units.map(() => 'committed'), entries: this.#write(merge(units), at).entries };
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      return this.#commitCarefully(units, at);
    }
  }

  #commitCarefully(units: readonly Unit[], at: number): Committed {
    const versions = new Map<string, number>();
    const outcomes = units.map((unit) => {
      const next = this.#versionsAfter(unit, versions);
      // What builds on a unit that conflicted was decided on a state that never came to be.
      for (const put of unit.puts) versions.set(nameOf(put), next?.get(nameOf(put)) ?? NEVER);
      return next ? 'committed' : 'conflict';
    });
    const surviving = units.filter((_, index) => outcomes[index] === 'committed');
    return { outcomes, entries: surviving.length > 0 ? this.#write(merge(surviving), at).entries : [] };
  }

  /** The versions of a unit's records after it, or null when it does not find what it expects. */
  #versionsAfter(unit: Unit, versions: ReadonlyMap<string, number>): ReadonlyMap<string, number> | null {
    const next = new Map<string, number>();
    for (const put of unit.puts) {
      const name = nameOf(put);
      const current = next.get(name) ?? versions.get(name) ?? this.#storedVersion(put);
      if (versionOf(put, 'prev') !== current) return null;
      next.set(name, versionOf(put, 'next'));
    }
    return next;
  }

  #storedVersion(put: Put): number {
    if (put.kind === 'task') return this.#taskVersion.get(put.next.id) ?? 0;
    if (put.kind === 'worker') return this.#mirror.workers.get((put.next ?? put.prev)!.id)?.version ?? 0;
    return this.#idempotencyAt.get(put.next.key) ?? 0;
  }

  #write(merged: Merged, at: number): Appended {
    this.#begin.run();
    try {
      const appended = this.#ledger.append(this.#mirror.ledger.head, merged.events, at);
      const lanes = this.#writeTasks(merged, appended);
      this.#writeWorkers(merged);
      for (const { prev, next } of merged.idempotency) this.#writeIdempotency(prev, next);
      const counts = this.#writeCounts(merged);
      if (appended.entries.length > 0) {
        this.#putMeta.run('ledger_head_id', appended.head.id);
        this.#putMeta.run('ledger_head_hash', appended.head.hash);
      }
      this.#commit.run();
      this.#reflect(merged, lanes, counts, appended.head);
      return appended;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #writeTasks(merged: Merged, appended: Appended): LaneChanges {
    const lanes = new LaneChanges();
    for (const { first, last } of merged.tasks.values()) {
      const lane = this.#laneOf(last, lanes);
      const history = historyText(appended, last.id);
      if (first === null) this.#tasks.insert(last, lane.rowId, history);
      else this.#tasks.update(first, last, history);
      lanes.count(lane, Number(last.status === 'queued') - Number(first?.status === 'queued'), first === null ? 1 : 0);
    }
    for (const taskId of appended.byTask.keys()) {
      if (!merged.tasks.has(taskId)) this.#tasks.appendHistory(taskId, historyText(appended, taskId));
    }
    for (const { lane, queued, tasks } of lanes.all()) {
      if (lane.tasks + tasks === 0) this.#deleteLane.run(lane.rowId);
      else if (queued !== 0 || tasks !== 0) this.#updateLane.run(queued, tasks, lane.rowId);
    }
    return lanes;
  }

  #laneOf(task: Task, lanes: LaneChanges): LaneState {
    const known = lanes.get(task.lane) ?? this.#mirror.lanes.get(task.lane);
    if (known) return known;
    const { requirements } = task.spec.value;
    const rowId = Number(this.#insertLane.run(task.lane, JSON.stringify(requirements)).lastInsertRowid);
    return { rowId, key: task.lane, requirements, queued: 0, tasks: 0 };
  }

  #writeWorkers(merged: Merged): void {
    for (const [id, { first, last }] of merged.workers) {
      if ((this.#mirror.workers.get(id)?.version ?? 0) !== (first?.version ?? 0)) throw new Conflict();
      if (last) this.#putWorker.run(...workerValues(last));
      else if (first) this.#deleteWorker.run(id);
    }
  }

  #writeIdempotency(prev: IdempotencyRecord | null, { key, bodyHash, taskIds, at }: IdempotencyRecord): void {
    const { changes } = this.#putIdempotency.run(key, bodyHash, taskIds.join(' '), at, prev?.at ?? -1);
    if (changes !== 1) throw new Conflict();
  }

  #writeCounts(merged: Merged): Map<TaskStatus, number> {
    const counts = new Map<TaskStatus, number>();
    const add = (status: TaskStatus, n: number) =>
      counts.set(status, (counts.get(status) ?? this.#mirror.counts[status]) + n);
    for (const { first, last } of merged.tasks.values()) {
      if (first?.status === last.status) continue;
      if (first) add(first.status, -1);
      add(last.status, 1);
    }
    for (const [status, n] of counts) this.#putCount.run(STATUS_CODE[status], n);
    return counts;
  }

  /** The commit is on disk: now memory may follow. */
  #reflect(merged: Merged, lanes: LaneChanges, counts: ReadonlyMap<TaskStatus, number>, head: LedgerHead): void {
    const mirror = this.#mirror;
    for (const { first, last } of merged.tasks.values()) {
      mirror.track(last);
      if (first !== null) continue;
      mirror.nextSequence = Math.max(mirror.nextSequence, last.seq + 1);
      if (last.spec.value.depends_on.length > 0) mirror.hasDependencies = true;
    }
    for (const { next } of merged.idempotency) if (next.key > mirror.lastKey) mirror.lastKey = next.key;
    for (const [id, { last }] of merged.workers) {
      if (last) mirror.workers.set(id, last);
      else mirror.workers.delete(id);
    }
    lanes.apply(mirror);
    for (const [status, n] of counts) mirror.counts[status] = n;
    mirror.ledger.head = head;
  }
}

function merge(units: readonly Unit[]): Merged {
  const merged: Merged = { tasks: new Map(), workers: new Map(), idempotency: [], events: [] };
  for (const { puts, events } of units) {
    for (const put of puts) {
      if (put.kind === 'task') mergeOne(merged.tasks, put.next.id, put.prev, put.next);
      else if (put.kind === 'worker') mergeOne(merged.workers, (put.next ?? put.prev)!.id, put.prev, put.next);
      else merged.idempotency.push(put);
    }
    for (const event of events) merged.events.push(event);
  }
  return merged;
}

function mergeOne<T extends { readonly version: number }, L extends T | null>(
  map: Map<string, { first: T | null; last: L }>,
  id: string,
  prev: T | null,
  next: L,
): void {
  const known = map.get(id);
  if (!known) map.set(id, { first: prev, last: next });
  else if ((known.last?.version ?? 0) !== (prev?.version ?? 0)) throw new Conflict();
  else known.last = next;
}

function nameOf(put: Put): string {
  if (put.kind === 'task') return `task ${put.next.id}`;
  return put.kind === 'worker' ? `worker ${(put.next ?? put.prev)!.id}` : `key ${put.next.key}`;
}

/** The version of a record; an idempotency record is told by when it was made. */
function versionOf(put: Put, side: 'prev' | 'next'): number {
  if (put.kind === 'idempotency') return put[side]?.at ?? 0;
  return put[side]?.version ?? 0;
}

function historyText(appended: Appended, taskId: string): string {
  const ids = appended.byTask.get(taskId);
  return ids ? ` ${ids.join(' ')}` : '';
}
