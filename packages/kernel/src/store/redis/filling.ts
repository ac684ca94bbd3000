import { type Contents, NotEmpty, type Piece, type StoredTask } from '../../core/archive.ts';
import { nameOf } from '../../core/document.ts';
import { Bug, StorageUnavailable } from '../../core/errors.ts';
import type { ChainedEntry } from '../../core/event.ts';
import type { Ledger, Verification } from '../../core/store.ts';
import type { Task } from '../../core/task.ts';
import type { RedisClock } from '../../redis/clock.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { rowsOf, sealText } from '../../redis/ledger-rows.ts';
import { Script } from '../../redis/script.ts';
import { type Filling, historyText } from '../archive.ts';
import { savingText } from '../saved.ts';
import { contentsOf } from './archive.ts';
import { documentText, placeDocument } from './documents.ts';
import type { RedisFellows } from './fellows.ts';
import type { Keys } from './keys.ts';
import { MARK, SCHEMA } from './opening.ts';
import { placeTask, placeWorker } from './placing.ts';
import { keyText, remainsText, stateText, workerText } from './records.ts';
import { Writes } from './writes.ts';

/** What a running attempt gets at least, for its worker to find the colony where it is now. */
const GRACE_MS = 30_000;

/** Marks a colony that holds nothing. Arguments: prefix, mark. Answers 1, or 0 when it holds something. */
const BEGIN = new Script(`
local prefix, meta = ARGV[1], ARGV[1] .. 'meta'
local mark = redis.call('HGET', meta, '${MARK}')
if mark == ARGV[2] then return 1 end
local held = mark and 1 or tonumber(redis.call('HGET', meta, 'last') or '0')
for _, name in ipairs({'tasks', 'removed', 'workers', 'documents', 'idempotency'}) do held = held + redis.call('HLEN', prefix .. name) end
held = held + redis.call('ZCARD', prefix .. 'saved')
if held > 0 then return 0 end
redis.call('HSET', meta, 'schema', '${SCHEMA}', '${MARK}', ARGV[2])
return 1
`);

/**
 * Writes a batch, once, however often it is sent. Arguments: meta, the mark before it, the mark behind it, then (how
 * many arguments, command, arguments) for each call. Answers 1, or 0 when the mark is neither of them.
 */
const WRITE = new Script(`
local mark = redis.call('HGET', ARGV[1], '${MARK}')
if mark == ARGV[3] then return 1 end
if mark ~= ARGV[2] then return 0 end
local at = 4
while at <= #ARGV do
  local size = tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, at + size))
  at = at + size + 1
end
redis.call('HSET', ARGV[1], '${MARK}', ARGV[3])
return 1
`);

interface Parts {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly ledger: Ledger;
  readonly fellows: RedisFellows;
  readonly clock: RedisClock;
  /** Tells whoever fills the colony from others who would. */
  readonly name: string;
}

/** Takes in what was dumped, each batch with one script; see `Store.restore`. */
export class RedisFilling implements Filling {
  readonly #parts: Parts;
  #lastKey = '';
  #batches = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async begin(): Promise<void> {
    const { redis, keys, ledger, fellows } = this.#parts;
    if ((await redis.run(BEGIN, [keys.prefix, this.#mark])) !== 1) {
      const { tasks, workers, entries } = await contentsOf(redis, keys, ledger);
      throw new NotEmpty(`it is not empty: it holds ${tasks} tasks, ${workers} workers and ${entries} ledger entries`);
    }
    // Sets the clock by which attempts and leases count here.
    await fellows.beat([], Number.MAX_SAFE_INTEGER);
  }

  get #mark(): string {
    return `${this.#parts.name} ${this.#batches}`;
  }

  async write(batch: readonly Piece[]): Promise<void> {
    const writes = new Writes();
    const lanes = new Map<string, string>();
    for (const piece of batch) this.#writeOne(writes, lanes, piece);
    for (const [lane, requirements] of lanes) writes.set(this.#parts.keys.lanes, lane, requirements);
    await this.#send(writes);
  }

  async #send(writes: Writes): Promise<void> {
    const { redis, keys } = this.#parts;
    const before = this.#mark;
    this.#batches++;
    const calls = writes.calls().flatMap((call) => [String(call.length), ...call]);
    if ((await redis.run(WRITE, [keys.meta, before, this.#mark, ...calls])) !== 1) {
      throw new StorageUnavailable('somebody else removed what had been written');
    }
  }

  #writeOne(writes: Writes, lanes: Map<string, string>, piece: Piece): void {
    const { keys, clock } = this.#parts;
    switch (piece.kind) {
      case 'head':
        writes.set(keys.meta, 'sequence', String(piece.sequence));
        writes.set(keys.meta, 'first', String(piece.ledger.first));
        writes.set(keys.meta, 'anchor', piece.ledger.anchor);
        writes.set(keys.meta, 'saving', savingText(piece.saving));
        if (piece.saving) writes.rank(keys.saved, piece.saving.number, String(piece.saving.number));
        return;
      case 'task':
        this.#writeTask(writes, lanes, piece);
        return;
      case 'removed': {
        const text = remainsText(piece.remains, historyText(piece.history));
        writes.set(keys.removed, piece.remains.id, text);
        return;
      }
      case 'worker':
        writes.set(keys.workers, piece.worker.id, workerText(piece.worker));
        placeWorker(writes, keys, piece.worker.id, null, piece.worker, clock.now().steady);
        return;
      case 'document': {
        const name = nameOf(piece.document);
        writes.set(keys.documents, name, documentText(piece.document));
        placeDocument(writes, keys, name, null, piece.document);
        return;
      }
      case 'key':
        writes.set(keys.idempotency, piece.record.key, keyText(piece.record));
        writes.append(keys.idempotencyByTime, '*', 'at', String(piece.record.at), 'key', piece.record.key);
        if (piece.record.key > this.#lastKey) this.#lastKey = piece.record.key;
        return;
      case 'saved':
        writes.rank(keys.saved, piece.number, String(piece.number));
        writes.rank(keys.savedNames(piece.number), 0, piece.name);
        writes.set(keys.savedUnder(piece.number), piece.name, piece.text ?? '');
        return;
      case 'entries':
        this.#writeEntries(writes, piece.entries);
        return;
    }
  }

  #writeTask(writes: Writes, lanes: Map<string, string>, { task, history, parent }: StoredTask): void {
    const { keys } = this.#parts;
    const here = this.#withDeadline(task);
    writes.set(keys.tasks, task.id, `${task.version}\n${historyText(history)}\n${stateText(here)}`);
    placeTask(writes, keys, null, here, lanes, parent);
  }

  /** A running attempt has what wall time has left of its timeout; by the steady clock of this colony. */
  #withDeadline(task: Task): Task {
    if (task.status !== 'executing') return task;
    const { wall, steady } = this.#parts.clock.now();
    const left = task.timeoutMs - Math.max(0, wall - (task.startedAt ?? wall));
    return { ...task, deadline: steady + Math.max(GRACE_MS, left) };
  }

  #writeEntries(writes: Writes, entries: readonly ChainedEntry[]): void {
    const { keys } = this.#parts;
    const hashes = entries.map(({ hash }) => {
      if (hash === null) throw new Bug('an archive holds entries that are not sealed');
      return hash;
    });
    let written = 0;
    for (const { entries: count, text, indexes } of rowsOf(entries)) {
      const row = entries.slice(written, written + count);
      const id = `${row.at(-1)!.id}-${count}`;
      writes.append(keys.ledger, id, 'at', String(row[0]!.at), 'entries', text);
      writes.append(keys.seals, id, 'hashes', sealText(hashes.slice(written, written + count)));
      for (const index of indexes) writes.append(`${keys.prefix}index:${index}`, id, '', '');
      written += count;
    }
    const last = String(entries.at(-1)!.id);
    writes.set(keys.meta, 'last', last);
    writes.set(keys.meta, 'sealed', last);
    writes.set(keys.meta, 'hash', hashes.at(-1)!);
  }

  /** Whoever had looked at the empty colony learns that there are lanes. */
  async settle(): Promise<void> {
    const writes = new Writes();
    writes.count(this.#parts.keys.meta, 'directory', 1);
    writes.set(this.#parts.keys.meta, 'lastKey', this.#lastKey);
    await this.#send(writes);
  }

  contents(): Promise<Contents> {
    const { redis, keys, ledger } = this.#parts;
    return contentsOf(redis, keys, ledger);
  }

  verify(): Promise<Verification> {
    return this.#parts.ledger.verify();
  }

  async finish(): Promise<void> {
    const { redis, keys, fellows } = this.#parts;
    await redis.send('HDEL', keys.meta, MARK);
    await fellows.leave();
  }
}
