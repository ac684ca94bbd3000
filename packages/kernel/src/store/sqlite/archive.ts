import { setImmediate as breathe } from 'node:timers/promises';
import type { Database, Statement } from 'better-sqlite3';
import {
  ARCHIVE_FORMAT,
  type Contents,
  NotEmpty,
  type Piece,
  type RemovedTask,
  type SavedText,
  type StoredDocument,
  type StoredKey,
  type StoredTask,
} from '../../core/archive.ts';
import type { Verification } from '../../core/store.ts';
import { BATCH_BYTES, dumpLedger, type Filling, historyText, MOST_IN_PAGE } from '../archive.ts';
import { Cursor, savingText } from '../saved.ts';
import { sizeOf } from '../task-size.ts';
import { Documents } from './documents.ts';
import { LedgerWriter } from './ledger.ts';
import { SqliteLedger } from './ledger-reader.ts';
import { loadLedger, type Mirror, meta } from './mirror.ts';
import { Removed } from './removed.ts';
import { putMeta } from './retention.ts';
import { PUT_WORKER, STATUS_CODE, TASK_COLUMNS, TASK_TABLES, type TaskRow, taskFromRow, workerValues } from './rows.ts';
import { SavedStates } from './saved.ts';
import { TaskWriter } from './task-writer.ts';

/** In `meta` as long as a database is being filled: it is no colony yet. */
const MARK = 'restoring';

interface Parts {
  readonly db: Database;
  readonly mirror: Mirror;
  readonly documents: Documents;
  readonly removed: Removed;
  readonly saved: SavedStates;
}

/** Reads everything; see `Store.dump`. @param isCounted whether to say first how much there is, which takes a look at all of it */
export async function* dump(
  { db, mirror, documents, removed, saved }: Parts,
  isCounted: boolean,
): AsyncGenerator<Piece> {
  const { first, anchor } = mirror.ledger;
  const sequence = mirror.nextSequence - 1;
  yield {
    kind: 'head',
    format: ARCHIVE_FORMAT,
    sequence,
    saving: mirror.saving,
    ledger: { first, anchor },
    contents: isCounted ? contentsOf(db) : null,
  };
  yield* dumpTasks(db, sequence);
  yield* dumpRemoved(removed);
  for (const worker of mirror.workers.values()) yield { kind: 'worker', worker };
  yield* dumpDocuments(documents);
  yield* dumpKeys(db);
  yield* dumpSaved(saved);
  yield* dumpLedger(new SqliteLedger(db, mirror.ledger));
}

function contentsOf(db: Database): Contents {
  const count = (table: string) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  const { first, head } = loadLedger(db);
  return {
    tasks: count('tasks'),
    removed: count('removed'),
    workers: count('workers'),
    documents: count('documents'),
    keys: count('idempotency'),
    saved: count('saved'),
    entries: head.id - first + 1,
    head: head.hash,
  };
}

type StoredTaskRow = [...TaskRow, history: string, parent: string | null];

async function* dumpTasks(db: Database, last: number): AsyncGenerator<StoredTask> {
  const rows = db
    .prepare<[number, number], StoredTaskRow>(
      `SELECT ${TASK_COLUMNS}, t.history, (SELECT parent_id FROM children c WHERE c.seq = t.seq)
       FROM ${TASK_TABLES} WHERE t.seq > ? AND t.seq <= ? ORDER BY t.seq LIMIT ${MOST_IN_PAGE}`,
    )
    .raw();
  let after = 0;
  for (;;) {
    const page: StoredTask[] = [];
    let bytes = 0;
    // A page is read to its end before it is handed out: an open statement would keep others from the database.
    for (const row of rows.iterate(after, last)) {
      const [history, parent] = row.slice(-2) as [string, string | null];
      const task = taskFromRow(row as unknown as TaskRow);
      page.push({ kind: 'task', task, history: numbers(history), parent });
      bytes += sizeOf(task);
      if (bytes >= BATCH_BYTES) break;
    }
    yield* page;
    if (page.length === 0) return;
    after = page.at(-1)!.task.seq;
    await breathe();
  }
}

async function* dumpRemoved(removed: Removed): AsyncGenerator<RemovedTask> {
  let last = '';
  for (;;) {
    const page = removed.after(last, MOST_IN_PAGE);
    for (const { remains, history } of page) yield { kind: 'removed', remains, history: numbers(history) };
    if (page.length < MOST_IN_PAGE) return;
    last = page.at(-1)!.remains.id;
    await breathe();
  }
}

async function* dumpDocuments(documents: Documents): AsyncGenerator<StoredDocument> {
  let last = { collection: '', id: '' };
  for (;;) {
    const page = documents.after(last, MOST_IN_PAGE);
    for (const document of page) yield { kind: 'document', document };
    if (page.length < MOST_IN_PAGE) return;
    last = page.at(-1)!;
    await breathe();
  }
}

async function* dumpKeys(db: Database): AsyncGenerator<StoredKey> {
  const rows = db.prepare<[number], { seq: number; key: string; body_hash: string; task_ids: string; at: number }>(
    `SELECT seq, key, body_hash, task_ids, at FROM idempotency WHERE seq > ? ORDER BY seq LIMIT ${MOST_IN_PAGE}`,
  );
  for (let page = rows.all(0); page.length > 0; page = rows.all(page.at(-1)!.seq)) {
    for (const { key, body_hash, task_ids, at } of page) {
      yield { kind: 'key', record: { key, bodyHash: body_hash, taskIds: task_ids.split(' '), at } };
    }
    await breathe();
  }
}

async function* dumpSaved(saved: SavedStates): AsyncGenerator<SavedText> {
  let last = new Cursor(0, '');
  for (;;) {
    const page: SavedText[] = [];
    let bytes = 0;
    for (const one of saved.after(last, MOST_IN_PAGE)) {
      page.push(one);
      bytes += one.text?.length ?? 0;
      if (bytes >= BATCH_BYTES) break;
    }
    yield* page;
    if (page.length === 0) return;
    last = new Cursor(page.at(-1)!.number, page.at(-1)!.name);
    await breathe();
  }
}

function numbers(history: string): number[] {
  return history.split(' ').filter(Boolean).map(Number);
}

/** Takes in what was dumped, each batch in a transaction; see `Store.restore`. */
export class SqliteFilling implements Filling {
  readonly #db: Database;
  readonly #tasks: TaskWriter;
  readonly #ledger: LedgerWriter;
  readonly #documents: Documents;
  readonly #removed: Removed;
  readonly #saved: SavedStates;
  readonly #putWorker: Statement;
  readonly #putKey: Statement;
  readonly #insertLane: Statement;
  /** The numbers of the lanes that were met. */
  readonly #lanes = new Map<string, number>();

  constructor(db: Database) {
    this.#db = db;
    this.#removed = new Removed(db);
    this.#saved = new SavedStates(db);
    this.#tasks = new TaskWriter(db, this.#removed);
    this.#ledger = new LedgerWriter(db);
    this.#documents = new Documents(db);
    this.#putWorker = db.prepare(PUT_WORKER);
    this.#putKey = db.prepare('INSERT OR REPLACE INTO idempotency (key, body_hash, task_ids, at) VALUES (?, ?, ?, ?)');
    this.#insertLane = db.prepare('INSERT INTO lanes (key, requirements, queued, tasks) VALUES (?, ?, 0, 0)');
  }

  async begin(): Promise<void> {
    const { tasks, removed, workers, documents, keys, saved, entries } = contentsOf(this.#db);
    if (tasks + removed + workers + documents + keys + saved + entries > 0) {
      throw new NotEmpty(`it is not empty: it holds ${tasks} tasks, ${workers} workers and ${entries} ledger entries`);
    }
    putMeta(this.#db, MARK, 1);
  }

  async write(batch: readonly Piece[]): Promise<void> {
    this.#db
      .transaction(() => {
        for (const piece of batch) this.#writeOne(piece);
      })
      .immediate();
  }

  #writeOne(piece: Piece): void {
    switch (piece.kind) {
      case 'head':
        putMeta(this.#db, 'sequence', piece.sequence);
        putMeta(this.#db, 'saving', savingText(piece.saving));
        putMeta(this.#db, 'ledger_first', piece.ledger.first);
        putMeta(this.#db, 'ledger_anchor', piece.ledger.anchor);
        return;
      case 'task':
        this.#tasks.insert(piece.task, this.#laneOf(piece), historyText(piece.history), piece.parent);
        return;
      case 'removed':
        this.#removed.copy(piece.remains, piece.history);
        return;
      case 'worker':
        this.#putWorker.run(...workerValues(piece.worker));
        return;
      case 'document':
        this.#documents.copy(piece.document);
        return;
      case 'key': {
        const { key, bodyHash, taskIds, at } = piece.record;
        this.#putKey.run(key, bodyHash, taskIds.join(' '), at);
        return;
      }
      case 'saved':
        this.#saved.copy(piece);
        return;
      case 'entries': {
        const { id, hash } = piece.entries.at(-1)!;
        this.#ledger.copy(piece.entries);
        putMeta(this.#db, 'ledger_head_id', id);
        putMeta(this.#db, 'ledger_head_hash', hash!);
      }
    }
  }

  #laneOf({ task }: StoredTask): number {
    let lane = this.#lanes.get(task.lane);
    if (lane === undefined) {
      const { requirements } = task.spec.value;
      lane = Number(this.#insertLane.run(task.lane, JSON.stringify(requirements)).lastInsertRowid);
      this.#lanes.set(task.lane, lane);
    }
    return lane;
  }

  async settle(): Promise<void> {
    this.#db.exec(`
      BEGIN IMMEDIATE;
      UPDATE lanes SET tasks = counted.tasks, queued = counted.queued
      FROM (SELECT lane, count(*) AS tasks, sum(status = ${STATUS_CODE.queued}) AS queued FROM tasks GROUP BY lane) AS counted
      WHERE counted.lane = lanes.id;
      INSERT OR REPLACE INTO counts (status, tasks) SELECT status, count(*) FROM tasks GROUP BY status;
      COMMIT`);
  }

  async contents(): Promise<Contents> {
    return contentsOf(this.#db);
  }

  verify(): Promise<Verification> {
    return new SqliteLedger(this.#db, loadLedger(this.#db)).verify();
  }

  async finish(): Promise<void> {
    this.#db.prepare('DELETE FROM meta WHERE key = ?').run(MARK);
  }
}

/** Whether a database was to be filled, and was not to the end. */
export function isIncomplete(db: Database): boolean {
  return meta(db, MARK) !== null;
}

/** Makes a database empty. */
export function clear(db: Database): void {
  const tables = db.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'");
  const names = (tables.pluck().all() as string[]).filter((name) => name !== 'sqlite_schema');
  db.transaction(() => {
    for (const table of names) db.exec(`DELETE FROM ${table}`);
    db.exec("INSERT INTO memory_words (memory_words) VALUES ('delete-all')");
  }).immediate();
}
