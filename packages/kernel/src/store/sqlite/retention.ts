import type { Database } from 'better-sqlite3';
import type { Retention } from '../../core/store.ts';
import { TASK_STATUSES } from '../../core/task.ts';
import { hasEnded, removeEnded } from './documents.ts';
import { LaneChanges } from './lane-changes.ts';
import type { LedgerRow } from './ledger.ts';
import { lengthOf, storedHash } from './ledger.ts';
import type { Mirror } from './mirror.ts';
import type { Removed } from './removed.ts';

interface Ended {
  seq: number;
  id: string;
  status: number;
  version: number;
  token: number;
  lane: string;
  spec: string;
}

interface Parts {
  readonly db: Database;
  readonly mirror: Mirror;
  readonly removed: Removed;
}

/**
 * Removes what retention no longer keeps, a bounded piece at a time and in one transaction with the counts. Of a task
 * there remains how it ended and which ledger entries tell of it, until they tell of it no more, nothing that is there
 * depends on it, and no rollback may bring it back. Of the ledger, rows go from the oldest on; the hash before the first one
 * kept stays as the chain's anchor.
 * @returns how many tasks, documents, ledger rows and idempotency records went
 */
export function prune({ db, mirror, removed }: Parts, before: Retention, limit: number): number {
  const tasks = before.endedBefore === null ? [] : endedBefore(db, before.endedBefore, limit);
  const rows = before.ledgerBefore === null ? [] : ledgerBefore(db, mirror, before.ledgerBefore, limit);
  const lanes = new LaneChanges();
  const counts = { ...mirror.counts };
  const hasDocuments = before.endedBefore !== null && hasEnded(db, before.endedBefore);
  let others = 0;
  const write = db.transaction(() => {
    for (const task of tasks) {
      removeTask(db, removed, task);
      counts[TASK_STATUSES[task.status]!]--;
      const lane = mirror.lanes.get(task.lane);
      if (lane) lanes.count(lane, 0, -1);
    }
    for (const { lane, tasks } of lanes.all()) {
      if (lane.tasks + tasks === 0) db.prepare('DELETE FROM lanes WHERE id = ?').run(lane.rowId);
      else db.prepare('UPDATE lanes SET tasks = tasks + ? WHERE id = ?').run(tasks, lane.rowId);
    }
    for (const [code, status] of TASK_STATUSES.entries()) {
      if (counts[status] !== mirror.counts[status])
        db.prepare('UPDATE counts SET tasks = ? WHERE status = ?').run(counts[status], code);
    }
    const last = rows.at(-1);
    if (last) removeLedger(db, last);
    removed.forget([...tasks.flatMap(namedBy), ...rows.flatMap(toldBy)], last ? last.last_id + 1 : mirror.ledger.first);
    if (tasks.length > 0) putMeta(db, 'sequence', mirror.nextSequence - 1);
    others = removeKeys(db, before.idempotencyBefore, limit);
    if (hasDocuments) others += removeEnded(db, before.endedBefore!, limit);
  });
  const hasOthers = hasDocuments || hasOldKeys(db, before.idempotencyBefore);
  if (tasks.length === 0 && rows.length === 0 && !hasOthers) return 0;
  write.immediate();

  lanes.apply(mirror);
  Object.assign(mirror.counts, counts);
  const last = rows.at(-1);
  if (last) {
    mirror.ledger.first = last.last_id + 1;
    mirror.ledger.anchor = storedHash(last, lengthOf(last) - 1);
  }
  return tasks.length + rows.length + others;
}

function endedBefore(db: Database, time: number, limit: number): Ended[] {
  return db
    .prepare<[number, number], Ended>(
      `SELECT t.seq, t.id, t.status, t.version, t.lease_token AS token, l.key AS lane, s.json AS spec
       FROM tasks t INDEXED BY tasks_ended JOIN lanes l ON l.id = t.lane JOIN specs s ON s.seq = t.seq
       WHERE t.completed_at IS NOT NULL AND t.completed_at < ? ORDER BY t.completed_at LIMIT ?`,
    )
    .all(time, limit);
}

function removeTask(db: Database, removed: Removed, { seq, id, version, token, status, spec }: Ended): void {
  const { tags, depends_on: dependsOn } = JSON.parse(spec) as { tags: string[]; depends_on: string[] };
  handOn(db, seq, id);
  removed.leave({ seq, stored: version, version, leaseToken: token, tags, dependsOn }, status, '');
}

/** A task that goes, and what it depended on. */
function namedBy({ id, spec }: Ended): string[] {
  return [id, ...(JSON.parse(spec) as { depends_on: string[] }).depends_on];
}

/** The tasks that a row tells of. */
function toldBy({ entries }: LedgerRow): string[] {
  return Array.from(entries.matchAll(/"task_id":"([^"]+)"/g), ([, id]) => id!);
}

/** What descends from it still descends from what is above it: its children are handed on to its parent. */
function handOn(db: Database, seq: number, id: string): void {
  const parent = db.prepare('SELECT parent_id FROM children WHERE seq = ?').pluck().get(seq) as string | undefined;
  if (parent !== undefined) db.prepare('UPDATE children SET parent_id = ? WHERE parent_id = ?').run(parent, id);
}

/** Whole rows only, and never the newest: the chain must have something to hold on to. */
function ledgerBefore(db: Database, mirror: Mirror, time: number, limit: number): LedgerRow[] {
  const rows = db
    .prepare<[number], LedgerRow & { at: number }>(
      'SELECT first_id, last_id, at, entries, hashes FROM ledger ORDER BY last_id LIMIT ?',
    )
    .all(limit);
  const end = rows.findIndex((row) => row.at >= time || row.last_id >= mirror.ledger.head.id);
  return end < 0 ? rows : rows.slice(0, end);
}

function removeLedger(db: Database, last: LedgerRow): void {
  db.prepare('DELETE FROM ledger_index WHERE last_id <= ?').run(last.last_id);
  db.prepare('DELETE FROM ledger WHERE last_id <= ?').run(last.last_id);
  putMeta(db, 'ledger_first', last.last_id + 1);
  putMeta(db, 'ledger_anchor', storedHash(last, lengthOf(last) - 1));
}

function hasOldKeys(db: Database, time: number): boolean {
  const oldest = db.prepare('SELECT at FROM idempotency ORDER BY seq LIMIT 1').pluck().get() as number | undefined;
  return oldest !== undefined && oldest < time;
}

function removeKeys(db: Database, time: number, limit: number): number {
  return db
    .prepare('DELETE FROM idempotency WHERE seq IN (SELECT seq FROM idempotency ORDER BY seq LIMIT ?) AND at < ?')
    .run(limit, time).changes;
}

export function putMeta(db: Database, key: string, value: string | number): void {
  db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value);
}
