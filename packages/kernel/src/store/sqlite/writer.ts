import type { Database, Statement } from 'better-sqlite3';
import { type CommitLimits, type Committed, type IdempotencyRecord, REMOVED, type Unit } from '../../core/store.ts';
import type { Task, TaskStatus } from '../../core/task.ts';
import { savingText } from '../saved.ts';
import {
  Conflict,
  judge,
  type Left,
  type Merged,
  merge,
  type Stored,
  startedIn,
  touched,
  versionOf,
} from '../units.ts';
import { makeRoom, makeUsual } from './connection.ts';
import type { Documents } from './documents.ts';
import { LaneChanges } from './lane-changes.ts';
import { type Appended, type LedgerHead, LedgerWriter } from './ledger.ts';
import type { LaneState, Mirror } from './mirror.ts';
import type { Removed } from './removed.ts';
import { PUT_WORKER, STATUS_CODE, workerValues } from './rows.ts';
import type { SavedStates } from './saved.ts';
import { TaskWriter } from './task-writer.ts';

export interface WriterParts {
  readonly db: Database;
  readonly mirror: Mirror;
  readonly documents: Documents;
  readonly removed: Removed;
  readonly saved: SavedStates;
}

/**
 * Writes commits. Records are expected at their versions by the very statements that change them; only if one of those
 * misses is the commit taken apart to find which units conflict.
 */
export class Writer {
  readonly #db: Database;
  readonly #mirror: Mirror;
  readonly #ledger: LedgerWriter;
  readonly #tasks: TaskWriter;
  readonly #documents: Documents;
  readonly #removed: Removed;
  readonly #saved: SavedStates;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #putWorker: Statement;
  readonly #deleteWorker: Statement;
  readonly #putIdempotency: Statement;
  readonly #deleteIdempotency: Statement;
  readonly #insertLane: Statement;
  readonly #updateLane: Statement;
  readonly #deleteLane: Statement;
  readonly #putCount: Statement;
  readonly #putMeta: Statement;
  readonly #taskVersion: Statement<[string], number>;
  readonly #idempotencyAt: Statement<[string], number>;
  /** The last commit was a large one. */
  #wasLarge = false;

  constructor({ db, mirror, documents, removed, saved }: WriterParts) {
    this.#db = db;
    this.#mirror = mirror;
    this.#documents = documents;
    this.#removed = removed;
    this.#saved = saved;
    this.#ledger = new LedgerWriter(db);
    this.#tasks = new TaskWriter(db, removed);
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#putWorker = db.prepare(PUT_WORKER);
    this.#deleteWorker = db.prepare('DELETE FROM workers WHERE id = ?');
    this.#putIdempotency = db.prepare(
      `INSERT INTO idempotency (key, body_hash, task_ids, at) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET body_hash = excluded.body_hash, task_ids = excluded.task_ids, at = excluded.at
       WHERE idempotency.at = ?`,
    );
    this.#deleteIdempotency = db.prepare('DELETE FROM idempotency WHERE key = ? AND at = ?');
    this.#insertLane = db.prepare('INSERT INTO lanes (key, requirements, queued, tasks) VALUES (?, ?, 0, 0)');
    this.#updateLane = db.prepare('UPDATE lanes SET queued = queued + ?, tasks = tasks + ? WHERE id = ?');
    this.#deleteLane = db.prepare('DELETE FROM lanes WHERE id = ?');
    this.#putCount = db.prepare('INSERT OR REPLACE INTO counts (status, tasks) VALUES (?, ?)');
    this.#putMeta = db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    this.#taskVersion = db.prepare<[string], number>('SELECT version FROM tasks WHERE id = ?').pluck();
    this.#idempotencyAt = db.prepare<[string], number>('SELECT at FROM idempotency WHERE key = ?').pluck();
  }

  /** One durable transaction for all units that do not conflict. Throws what the driver throws; then nothing happened. */
  commit(units: readonly Unit[], at: number, limits: CommitLimits): Committed {
    try {
      const merged = merge(units);
      this.#refuseBeyond(limits, merged);
      return { outcomes: units.map(() => 'committed'), entries: this.#write(merged, at).entries };
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      return this.#commitCarefully(units, at, this.#left(limits));
    }
  }

  #refuseBeyond({ room, caps }: CommitLimits, merged: Merged): void {
    const started = startedIn(merged.tasks.values());
    const isFull =
      (room !== undefined && started > 0 && started > room - this.#mirror.counts.executing) ||
      touched(caps, merged).some((cap) => cap.started > cap.most - this.#mirror.executingIn(cap.pool));
    if (isFull) throw new Conflict();
  }

  #left({ room = Number.POSITIVE_INFINITY, caps = [] }: CommitLimits): Left {
    const { counts } = this.#mirror;
    const pools = caps.map(({ pool, most }) => [pool, most - this.#mirror.executingIn(pool)] as const);
    return { room: room - counts.executing, pools: new Map(pools) };
  }

  #commitCarefully(units: readonly Unit[], at: number, left: Left): Committed {
    const outcomes = judge(units, (kind, id, expected) => this.#storedVersion(kind, id, expected) ?? expected, left);
    const surviving = units.filter((_, index) => outcomes[index] === 'committed');
    return { outcomes, entries: surviving.length > 0 ? this.#write(merge(surviving), at).entries : [] };
  }

  /** Undefined: of this nobody else can have changed anything. */
  #storedVersion(kind: Parameters<Stored>[0], id: string, expected: number): number | undefined {
    if (kind === 'task') return this.#taskVersion.get(id) ?? (expected === REMOVED ? this.#whatIsLeft(id) : 0);
    if (kind === 'worker') return this.#mirror.workers.get(id)?.version ?? 0;
    if (kind === 'document') return this.#documents.named(id)?.version ?? 0;
    if (kind === 'saving') return versionOf(this.#mirror.saving);
    return kind === 'idempotency' ? (this.#idempotencyAt.get(id) ?? 0) : undefined;
  }

  #whatIsLeft(id: string): number {
    return this.#removed.tombstone(id) === null ? 0 : REMOVED;
  }

  #write(merged: Merged, at: number): Appended {
    if (merged.tasks.size < MANY_TASKS) {
      this.#wasLarge = false;
      return this.#writeAll(merged, at);
    }
    makeRoom(this.#db, this.#wasLarge);
    this.#wasLarge = true;
    try {
      return this.#writeAll(merged, at);
    } finally {
      makeUsual(this.#db);
    }
  }

  #writeAll(merged: Merged, at: number): Appended {
    const { saving } = this.#mirror;
    this.#begin.run();
    try {
      const names = saving && this.#saved.keep(saving.number, merged, this.#removed);
      const appended = this.#ledger.append(this.#mirror.ledger.head, merged.events, at);
      const lanes = this.#writeTasks(merged, appended);
      this.#writeWorkers(merged);
      for (const { first, last } of merged.idempotency.values()) this.#writeIdempotency(first, last);
      for (const { first, last } of merged.documents.values()) this.#documents.put(first, last);
      const counts = this.#writeCounts(merged);
      if (merged.saving) this.#writeSaving(merged.saving);
      if (appended.entries.length > 0) {
        this.#putMeta.run('ledger_head_id', appended.head.id);
        this.#putMeta.run('ledger_head_hash', appended.head.hash);
      }
      this.#commit.run();
      this.#reflect(merged, lanes, counts, appended.head);
      if (names) this.#saved.kept(saving.number, names);
      return appended;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #writeTasks(merged: Merged, appended: Appended): LaneChanges {
    const lanes = new LaneChanges();
    for (const [id, { first, last }] of merged.tasks) {
      const lane = this.#laneOf((last ?? first)!, lanes);
      const history = historyText(appended, id);
      if (last === null) this.#tasks.remove(first!, merged.gone.get(id)!, history);
      else if (first !== null) this.#tasks.update(first, last, history);
      else if (merged.back.has(id)) this.#tasks.bringBack(last, lane.rowId, history);
      else this.#tasks.insert(last, lane.rowId, history);
      // A removed task's number is not given out again.
      if (last === null) this.#putMeta.run('sequence', this.#mirror.nextSequence - 1);
      const queued = Number(last?.status === 'queued') - Number(first?.status === 'queued');
      const executing = Number(last?.status === 'executing') - Number(first?.status === 'executing');
      lanes.count(lane, queued, Number(last !== null) - Number(first !== null), executing);
    }
    for (const [id, status] of merged.remains) this.#removed.say(id, status);
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
    return { rowId, key: task.lane, requirements, queued: 0, executing: 0, tasks: 0 };
  }

  #writeWorkers(merged: Merged): void {
    for (const [id, { first, last }] of merged.workers) {
      if ((this.#mirror.workers.get(id)?.version ?? 0) !== (first?.version ?? 0)) throw new Conflict();
      if (last) this.#putWorker.run(...workerValues(last));
      else if (first) this.#deleteWorker.run(id);
    }
  }

  #writeIdempotency(prev: IdempotencyRecord | null, next: IdempotencyRecord | null): void {
    const { changes } =
      next === null
        ? this.#deleteIdempotency.run(prev!.key, prev!.at)
        : this.#putIdempotency.run(next.key, next.bodyHash, next.taskIds.join(' '), next.at, prev?.at ?? -1);
    if (changes !== 1) throw new Conflict();
  }

  #writeSaving({ first, last }: NonNullable<Merged['saving']>): void {
    if (versionOf(this.#mirror.saving) !== versionOf(first)) throw new Conflict();
    this.#putMeta.run('saving', savingText(last));
  }

  #writeCounts(merged: Merged): Map<TaskStatus, number> {
    const counts = new Map<TaskStatus, number>();
    const add = (status: TaskStatus, n: number) =>
      counts.set(status, (counts.get(status) ?? this.#mirror.counts[status]) + n);
    for (const { first, last } of merged.tasks.values()) {
      if (first?.status === last?.status) continue;
      if (first) add(first.status, -1);
      if (last) add(last.status, 1);
    }
    for (const [status, n] of counts) this.#putCount.run(STATUS_CODE[status], n);
    return counts;
  }

  /** The commit is on disk: now memory may follow. */
  #reflect(merged: Merged, lanes: LaneChanges, counts: ReadonlyMap<TaskStatus, number>, head: LedgerHead): void {
    const mirror = this.#mirror;
    for (const { first, last } of merged.tasks.values()) {
      if (last === null) mirror.untrack(first!.id);
      else mirror.track(last);
      if (first !== null || last === null) continue;
      mirror.nextSequence = Math.max(mirror.nextSequence, last.seq + 1);
      if (last.spec.value.depends_on.length > 0) mirror.hasDependencies = true;
    }
    if (merged.saving) mirror.saving = merged.saving.last;
    for (const key of merged.idempotency.keys()) if (key > mirror.lastKey) mirror.lastKey = key;
    for (const [id, { last }] of merged.workers) mirror.setWorker(id, last);
    lanes.apply(mirror);
    for (const [status, n] of counts) mirror.counts[status] = n;
    mirror.ledger.head = head;
  }
}

/** A commit of so many is worth some preparation. */
const MANY_TASKS = 1000;

function historyText(appended: Appended, taskId: string): string {
  const ids = appended.byTask.get(taskId);
  return ids ? ` ${ids.join(' ')}` : '';
}
