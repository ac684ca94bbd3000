import type { Database } from 'better-sqlite3';
import { GENESIS } from '../../core/chain.ts';
import type { JsonObject } from '../../core/json.ts';
import { poolsOf } from '../../core/lane.ts';
import { LaneDirectory } from '../../core/lane-directory.ts';
import type { Saving } from '../../core/saved.ts';
import type { Lane } from '../../core/store.ts';
import { TASK_STATUSES, type Task, type TaskStatus } from '../../core/task.ts';
import type { Worker } from '../../core/worker.ts';
import { savingFrom } from '../saved.ts';
import { Deadlines } from './deadlines.ts';
import type { LedgerState } from './ledger-reader.ts';
import {
  SELECT_WORKERS,
  TASK_COLUMNS,
  TASK_TABLES,
  type TaskRow,
  taskFromRow,
  type WorkerRow,
  workerFromRow,
} from './rows.ts';

export interface LaneState extends Lane {
  /** Its number in the tables. */
  readonly rowId: number;
  queued: number;
  executing: number;
  /** Tasks of any status that belong to it; at zero the lane goes. */
  tasks: number;
}

/**
 * What the one writer keeps in memory of what it wrote: the few and hot things. Loaded at open, changed only after a
 * commit has succeeded, so it never runs ahead of the disk.
 */
export class Mirror {
  readonly workers = new Map<string, Worker>();
  readonly lanes = new Map<string, LaneState>();
  /** Those of them in which something is queued. */
  readonly busyLanes = new LaneDirectory();
  /** Those of which something is executing. */
  readonly runningLanes = new Map<string, LaneState>();
  readonly counts: Record<TaskStatus, number>;
  /** How the attempts of these workers ended. */
  readonly attempts = { completed: 0, failed: 0 };
  /** Tasks under a lease, which the next call about them will want. */
  readonly executing = new Map<string, Task>();
  readonly deadlines = new Deadlines();
  readonly ledger: LedgerState;
  nextSequence: number;
  /** The last idempotency key in order: one beyond it cannot be stored, and need not be looked for. */
  lastKey: string;
  /** Whether any task depends on another: most colonies never ask. */
  hasDependencies: boolean;
  /** Under which number what changes is kept. */
  saving: Saving;

  constructor(db: Database) {
    for (const row of db.prepare(SELECT_WORKERS).raw().all() as WorkerRow[]) {
      const worker = workerFromRow(row);
      this.setWorker(worker.id, worker);
    }
    const lanes = db.prepare('SELECT id AS rowId, key, requirements, queued, tasks FROM lanes');
    for (const lane of lanes.all() as (Omit<LaneState, 'requirements' | 'executing'> & {
      requirements: string;
    })[]) {
      this.setLane({ ...lane, executing: 0, requirements: JSON.parse(lane.requirements) as JsonObject });
    }
    this.counts = Object.fromEntries(TASK_STATUSES.map((status) => [status, 0])) as Record<TaskStatus, number>;
    for (const { status, tasks } of db.prepare('SELECT status, tasks FROM counts').all() as {
      status: number;
      tasks: number;
    }[]) {
      this.counts[TASK_STATUSES[status]!] = tasks;
    }
    const executing = db.prepare(`SELECT ${TASK_COLUMNS} FROM ${TASK_TABLES} WHERE t.status = 2`).raw();
    for (const row of executing.all() as TaskRow[]) {
      const task = taskFromRow(row);
      this.track(task);
      const lane = this.lanes.get(task.lane)!;
      this.setLane(Object.assign(lane, { executing: lane.executing + 1 }));
    }
    this.ledger = loadLedger(db);
    // A removed task's number is not given out again, lest a queue of the future be out of order.
    const highest = db.prepare('SELECT max(seq) FROM tasks').pluck().get() as number | null;
    this.nextSequence = Math.max(highest ?? 0, meta(db, 'sequence') ?? 0) + 1;
    this.lastKey = (db.prepare('SELECT max(key) FROM idempotency').pluck().get() as string | null) ?? '';
    this.hasDependencies = db.prepare('SELECT 1 FROM dependencies LIMIT 1').get() !== undefined;
    this.saving = savingFrom(meta(db, 'saving'));
  }

  setWorker(id: string, worker: Worker | null): void {
    const before = this.workers.get(id);
    this.attempts.completed += (worker?.completed ?? 0) - (before?.completed ?? 0);
    this.attempts.failed += (worker?.failed ?? 0) - (before?.failed ?? 0);
    if (worker) this.workers.set(id, worker);
    else this.workers.delete(id);
  }

  setLane(lane: LaneState): void {
    if (lane.tasks > 0) this.lanes.set(lane.key, lane);
    else this.lanes.delete(lane.key);
    if (lane.queued > 0) this.busyLanes.set(lane.key, lane);
    else this.busyLanes.delete(lane.key);
    if (lane.executing > 0) this.runningLanes.set(lane.key, lane);
    else this.runningLanes.delete(lane.key);
  }

  /** How many tasks of a pool are executing. */
  executingIn(pool: string): number {
    let sum = 0;
    for (const { key, requirements, executing } of this.runningLanes.values()) {
      if (poolsOf(key, () => requirements).includes(pool)) sum += executing;
    }
    return sum;
  }

  /** Follows a task into and out of execution. */
  track(task: Task): void {
    if (task.status === 'executing') {
      this.executing.set(task.id, task);
      if (task.deadline !== null) this.deadlines.set(task.id, task.deadline);
    } else this.untrack(task.id);
  }

  untrack(id: string): void {
    if (this.executing.delete(id)) this.deadlines.delete(id);
  }
}

export function loadLedger(db: Database): LedgerState {
  return {
    head: { id: meta<number>(db, 'ledger_head_id') ?? 0, hash: meta<string>(db, 'ledger_head_hash') ?? GENESIS },
    // Where the ledger ought to begin: at 1, or where retention left it, whatever the rows say.
    first: meta<number>(db, 'ledger_first') ?? 1,
    anchor: meta<string>(db, 'ledger_anchor') ?? GENESIS,
  };
}

export function meta<T extends string | number>(db: Database, key: string): T | null {
  return (db.prepare('SELECT value FROM meta WHERE key = ?').pluck().get(key) as T | undefined) ?? null;
}
