import type { Database } from 'better-sqlite3';
import { Documents } from './documents.ts';
import { MemoryIndex } from './memory-index.ts';

/**
 * The schema, as the steps that lead to it. A step, once released, is never changed: a database of any age is
 * brought up to date by running the ones it has not seen. `PRAGMA user_version` counts them.
 *
 * Writing is kept cheap: integer keys, few indexes (partial ones where a column matters only in some states), the
 * specification in a table of its own so that a change of state never rewrites it, and one ledger row for many
 * entries.
 */
const STEPS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

  CREATE TABLE tasks (
    seq            INTEGER PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    version        INTEGER NOT NULL,
    status         INTEGER NOT NULL,
    lane           INTEGER NOT NULL,
    priority       INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    created_by     TEXT    NOT NULL,
    timeout_ms     INTEGER NOT NULL,
    depth          INTEGER NOT NULL,
    pending_reason TEXT,
    unmet          INTEGER NOT NULL DEFAULT 0,
    due_at         INTEGER,
    attempt        INTEGER NOT NULL DEFAULT 0,
    retry_count    INTEGER NOT NULL DEFAULT 0,
    losses         INTEGER NOT NULL DEFAULT 0,
    lease_token    INTEGER NOT NULL DEFAULT 0,
    worker         TEXT,
    last_outcome   TEXT,
    deadline       INTEGER,
    queued_at      INTEGER,
    started_at     INTEGER,
    completed_at   INTEGER,
    history        TEXT    NOT NULL,
    progress       TEXT,
    error          TEXT,
    error_trace    TEXT,
    result         TEXT
  ) STRICT;
  CREATE INDEX tasks_by_status  ON tasks (status, seq);
  CREATE INDEX tasks_queue      ON tasks (lane, priority DESC, seq) WHERE status = 1;
  CREATE INDEX tasks_due        ON tasks (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX tasks_ended      ON tasks (completed_at) WHERE completed_at IS NOT NULL;
  CREATE INDEX tasks_by_creator ON tasks (created_by, seq) WHERE created_by <> 'anonymous';
  CREATE INDEX tasks_by_worker  ON tasks (worker, seq) WHERE worker IS NOT NULL;

  CREATE TABLE specs (seq INTEGER PRIMARY KEY, json TEXT NOT NULL) STRICT;

  CREATE TABLE lanes (
    id           INTEGER PRIMARY KEY,
    key          TEXT    NOT NULL UNIQUE,
    requirements TEXT    NOT NULL,
    queued       INTEGER NOT NULL,
    tasks        INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE counts (status INTEGER PRIMARY KEY, tasks INTEGER NOT NULL) STRICT;

  CREATE TABLE dependencies (on_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (on_id, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE children (parent_id TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (parent_id, seq)) STRICT, WITHOUT ROWID;
  CREATE TABLE tags (tag TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (tag, seq)) STRICT, WITHOUT ROWID;

  CREATE TABLE removed (id TEXT PRIMARY KEY, status INTEGER NOT NULL, history TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE workers (
    id            TEXT PRIMARY KEY,
    version       INTEGER NOT NULL,
    profile       TEXT    NOT NULL,
    holds         TEXT    NOT NULL,
    offline       INTEGER NOT NULL,
    draining      INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    heartbeat_at  INTEGER NOT NULL,
    completed     INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    busy_ms       INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE idempotency (
    seq       INTEGER PRIMARY KEY,
    key       TEXT    NOT NULL UNIQUE,
    body_hash TEXT    NOT NULL,
    task_ids  TEXT    NOT NULL,
    at        INTEGER NOT NULL
  ) STRICT;

  -- Entries first_id..last_id, one canonical JSON text a line, and their hashes, 32 bytes each.
  CREATE TABLE ledger (
    last_id  INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    entries  TEXT    NOT NULL,
    hashes   BLOB    NOT NULL
  ) STRICT;
  -- Which rows of the ledger hold entries of a type, a worker or an actor.
  CREATE TABLE ledger_index (
    kind    INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    last_id INTEGER NOT NULL,
    PRIMARY KEY (kind, key, last_id)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Which task is above one: its parent, or when that was removed, the next that is left.
  CREATE INDEX children_by_seq ON children (seq);
  `,
  `
  CREATE TABLE documents (
    collection TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER,
    ended_at   INTEGER,
    body       TEXT    NOT NULL,
    PRIMARY KEY (collection, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX documents_by_age   ON documents (collection, created_at, id);
  CREATE INDEX documents_by_state ON documents (collection, state, created_at, id);
  CREATE INDEX documents_due      ON documents (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX documents_ended    ON documents (ended_at) WHERE ended_at IS NOT NULL;
  -- The vote that a task waits for, or that was held on it last.
  ALTER TABLE tasks ADD COLUMN vote TEXT;
  `,
  `
  ALTER TABLE workers ADD COLUMN recent TEXT NOT NULL DEFAULT '';
  ALTER TABLE workers ADD COLUMN quarantine TEXT;
  `,
  `
  -- What records were when they first changed after a checkpoint; no text: there was none.
  CREATE TABLE saved (number INTEGER NOT NULL, name TEXT NOT NULL, text TEXT, PRIMARY KEY (number, name)) STRICT, WITHOUT ROWID;
  CREATE INDEX saved_by_name ON saved (name, number);
  -- The highest that a removed task had.
  ALTER TABLE removed ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE removed ADD COLUMN lease_token INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- The plan that a task belongs to, and what the Mind said when it was last assigned.
  ALTER TABLE tasks ADD COLUMN plan TEXT;
  ALTER TABLE tasks ADD COLUMN routing TEXT;
  CREATE INDEX tasks_by_plan ON tasks (plan, seq) WHERE plan IS NOT NULL;
  -- What a worker has shown it can do.
  ALTER TABLE workers ADD COLUMN experience TEXT NOT NULL DEFAULT '';
  `,
  `
  -- By what memory is searched; all of it follows from the documents: see memory-index.ts.
  CREATE TABLE memory_scopes (no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, texts INTEGER NOT NULL, words INTEGER NOT NULL) STRICT;
  CREATE TABLE memory_entries (
    no         INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    scope      INTEGER NOT NULL,
    words      INTEGER,
    expires_at INTEGER,
    fields     BLOB    NOT NULL
  ) STRICT;
  CREATE INDEX memory_entries_by_scope ON memory_entries (scope) WHERE words IS NOT NULL;
  -- Each word is written with its scope; what a row holds cannot be read from it.
  CREATE VIRTUAL TABLE memory_words USING fts5(words, content = '', contentless_delete = 1, tokenize = 'ascii');
  CREATE TABLE memory_spaces (
    no        INTEGER PRIMARY KEY AUTOINCREMENT,
    scope     INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    dimension INTEGER NOT NULL,
    vectors   INTEGER NOT NULL,
    UNIQUE (scope, name, dimension)
  ) STRICT;
  CREATE TABLE memory_vectors (
    no     INTEGER PRIMARY KEY AUTOINCREMENT,
    space  INTEGER NOT NULL,
    entry  INTEGER NOT NULL,
    vector BLOB    NOT NULL
  ) STRICT;
  CREATE INDEX memory_vectors_by_space ON memory_vectors (space);
  CREATE INDEX memory_vectors_by_entry ON memory_vectors (entry);
  `,
  `
  -- An ordinary table: without row ids, bodies of more than 2 kB take whole pages of their own, and every search passes them.
  CREATE TABLE documents_new (
    collection TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    due_at     INTEGER,
    ended_at   INTEGER,
    body       TEXT    NOT NULL,
    PRIMARY KEY (collection, id)
  ) STRICT;
  INSERT INTO documents_new (collection, id, version, state, created_at, due_at, ended_at, body)
    SELECT collection, id, version, state, created_at, due_at, ended_at, body FROM documents;
  DROP TABLE documents;
  ALTER TABLE documents_new RENAME TO documents;
  CREATE INDEX documents_by_age   ON documents (collection, created_at, id);
  CREATE INDEX documents_by_state ON documents (collection, state, created_at, id);
  -- What expires from memory may be much, and nothing else waits for it.
  CREATE INDEX documents_due      ON documents (due_at, collection, id) WHERE due_at IS NOT NULL AND collection <> 'memory';
  CREATE INDEX documents_expiring ON documents (due_at, id) WHERE due_at IS NOT NULL AND collection = 'memory';
  CREATE INDEX documents_ended    ON documents (ended_at, collection, id) WHERE ended_at IS NOT NULL;
  `,
];

/** From this version on what memory is searched by is written with it. */
const SEARCHABLE = 7;

/** "Cols": marks a file as a colony's. */
const APPLICATION_ID = 0x436f6c73;

/** Throws when a database belongs to something else or to a later version, before anything of it is changed. */
export function refuseOthers(db: Database): void {
  const owner = db.pragma('application_id', { simple: true }) as number;
  const isEmpty = db.prepare('SELECT count(*) AS n FROM sqlite_schema').pluck().get() === 0;
  if (!isEmpty && owner !== APPLICATION_ID) throw new Error('the file is a database, but not a colony');
  const version = versionOf(db);
  if (version > STEPS.length) {
    throw new Error(
      `the database has schema version ${version}, this kernel knows versions up to ${STEPS.length}; start a newer kernel`,
    );
  }
}

/** Brings a database up to date, all or nothing. */
export function migrate(db: Database): void {
  const version = versionOf(db);
  if (version === STEPS.length) return;
  db.transaction(() => {
    for (const step of STEPS.slice(version)) db.exec(step);
    if (version < SEARCHABLE) indexMemory(db);
    db.pragma(`application_id = ${APPLICATION_ID}`);
    db.pragma(`user_version = ${STEPS.length}`);
  }).immediate();
}

function indexMemory(db: Database): void {
  const [documents, index] = [new Documents(db), new MemoryIndex(db)];
  const query = { collection: 'memory', prefix: '', limit: 1000, maxCharacters: 8 * 1024 * 1024 } as const;
  for (let page = documents.listNamed(query); page.items.length > 0; ) {
    for (const document of page.items) index.copy(document);
    page = documents.listNamed({ ...query, after: page.items.at(-1)!.id });
  }
}

function versionOf(db: Database): number {
  return db.pragma('user_version', { simple: true }) as number;
}
