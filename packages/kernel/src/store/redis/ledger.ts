import { GENESIS } from '../../core/chain.ts';
import { StorageUnavailable } from '../../core/errors.ts';
import type { ChainedEntry, LedgerEntry } from '../../core/event.ts';
import type { Ledger, LedgerQuery, LedgerSpan, Verification } from '../../core/store.ts';
import type { RedisConnection, Reply } from '../../redis/connection.ts';
import { chained, entriesOf, hashesOf, type Row, rowFrom, sealedHashes, sealText } from '../../redis/ledger-rows.ts';
import { Script } from '../../redis/script.ts';
import { fits, indexed } from '../ledger-query.ts';
import type { EpochWatch } from './epoch.ts';
import type { Keys } from './keys.ts';
import { historyOf } from './records.ts';

/** How many rows are read at a time. */
const ROWS_A_TURN = 32;
/** Rows of its own that a kernel keeps until they are sealed. */
const MOST_RECENT = 512;

/**
 * Adds hashes behind the ones that are there, unless somebody else has done so by now: of several who seal, one
 * succeeds. Nor when another epoch has begun: what is there by now may be something else. Arguments: prefix, sealed to
 * before, sealed to after, hash, epoch, then (row, hashes) for each row.
 */
const SEAL = new Script(`
local meta = ARGV[1] .. 'meta'
if (redis.call('HGET', meta, 'sealed') or '0') ~= ARGV[2] then return 0 end
if (redis.call('HGET', meta, 'name') or '') ~= ARGV[5] then return 0 end
if tonumber(redis.call('HGET', meta, 'last') or '0') < tonumber(ARGV[3]) then return 0 end
for at = 6, #ARGV, 2 do
  if #redis.call('XRANGE', ARGV[1] .. 'ledger', ARGV[at], ARGV[at]) == 0 then return 0 end
end
for at = 6, #ARGV, 2 do redis.call('XADD', ARGV[1] .. 'seals', ARGV[at], 'hashes', ARGV[at + 1]) end
redis.call('HSET', meta, 'sealed', ARGV[3], 'hash', ARGV[4])
return 1
`);

interface State {
  readonly first: number;
  readonly last: number;
  readonly sealed: number;
  readonly hash: string;
  readonly anchor: string;
  /** Its name. */
  readonly epoch: string;
}

/** A row, and its hashes when it is sealed. */
interface SealedRow {
  readonly row: Row;
  readonly hashes: readonly string[] | null;
}

export class RedisLedger implements Ledger {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #epoch: EpochWatch;
  /** Rows appended here, by their first entry, as long as they may not be sealed. */
  readonly #recent = new Map<number, readonly LedgerEntry[]>();

  constructor(redis: RedisConnection, keys: Keys, epoch: EpochWatch) {
    this.#redis = redis;
    this.#keys = keys;
    this.#epoch = epoch;
  }

  async span(): Promise<LedgerSpan> {
    const { first, last, sealed, hash } = await this.#state();
    return { first, last, sealedTo: sealed, hash };
  }

  /** What is known without looking at the rows; `anchor` is the hash before the first entry kept. */
  async #state(): Promise<State> {
    const fields = ['first', 'last', 'sealed', 'hash', 'anchor', 'name'];
    const reply = (await this.#redis.send('HMGET', this.#keys.meta, ...fields)) as (string | null)[];
    const [first, last, sealed, hash, anchor, epoch = null] = reply;
    if (!this.#epoch.holds(epoch)) return this.#state();
    return {
      first: Number(first ?? 1),
      last: Number(last ?? 0),
      sealed: Number(sealed ?? 0),
      hash: hash ?? GENESIS,
      anchor: anchor ?? GENESIS,
      epoch: epoch ?? '',
    };
  }

  async seal(): Promise<number> {
    for (;;) {
      const { sealed, hash, last, epoch } = await this.#state();
      if (sealed >= last) return sealed;
      const rows = await this.#unsealed(sealed + 1);
      if (rows.length === 0) {
        const now = await this.#state();
        // Another server has taken over meanwhile; or others have sealed this, and retention has removed it.
        if (now.epoch !== epoch || now.sealed !== sealed) continue;
        throw new StorageUnavailable(`ledger entry ${sealed + 1} is missing: the database was damaged`);
      }
      const args: string[] = [];
      let head = hash;
      let next = sealed + 1;
      for (const entries of rows) {
        const hashes = hashesOf(entries, head);
        head = hashes.at(-1)!;
        next += entries.length;
        args.push(`${next - 1}-${entries.length}`, sealText(hashes));
      }
      await this.#redis.run(SEAL, [this.#keys.prefix, String(sealed), String(next - 1), head, epoch, ...args]);
    }
  }

  /** A row that this kernel has appended, and may soon have to seal. */
  remember(entries: readonly LedgerEntry[]): void {
    this.#recent.set(entries[0]!.id, entries);
    if (this.#recent.size <= MOST_RECENT) return;
    for (const first of this.#recent.keys()) {
      this.#recent.delete(first);
      break;
    }
  }

  forget(): void {
    this.#recent.clear();
  }

  /** Rows from entry `next` on, each as its entries: out of memory as far as they were appended here. */
  async #unsealed(next: number): Promise<(readonly LedgerEntry[])[]> {
    const rows: (readonly LedgerEntry[])[] = [];
    let first = next;
    for (let own = this.#recent.get(first); own && rows.length < ROWS_A_TURN; own = this.#recent.get(first)) {
      this.#recent.delete(first);
      rows.push(own);
      first += own.length;
    }
    if (rows.length > 0) return rows;
    for (const { row } of await this.#rows('XRANGE', String(next), '+')) {
      // What follows may be behind a row that is missing; the first of them must be there.
      if (row.first !== first) break;
      rows.push(entriesOf(row));
      first = row.last + 1;
    }
    return rows;
  }

  async read(after: number, limit: number): Promise<readonly ChainedEntry[]> {
    const entries: ChainedEntry[] = [];
    let from = after + 1;
    while (entries.length < limit) {
      const count = Math.max(1, Math.min(ROWS_A_TURN, limit - entries.length));
      const rows = await this.#rows('XRANGE', String(from), '+', count);
      for (const entry of await this.#entriesOf(rows)) if (entry.id > after) entries.push(entry);
      if (rows.length < count) break;
      from = rows.at(-1)!.row.last + 1;
    }
    return entries.slice(0, limit);
  }

  async query(query: LedgerQuery): Promise<readonly ChainedEntry[]> {
    if (query.taskId !== undefined) return this.#ofTask(query, query.taskId);
    return query.since === undefined ? this.#newest(query) : this.#following(query, query.since);
  }

  /** A task carries the numbers of its entries with it, also beyond its removal. */
  async #ofTask(query: LedgerQuery, taskId: string): Promise<ChainedEntry[]> {
    const { since, limit } = query;
    const [record, removed] = (await this.#redis.pipeline([
      ['HGET', this.#keys.tasks, taskId],
      ['HGET', this.#keys.removed, taskId],
    ])) as (string | null)[];
    const ids = new Set(historyOf(record ?? removed ?? '\n').filter((id) => id > (since ?? 0)));
    const entries = (await this.#pick([...ids])).filter((entry) => ids.has(entry.id) && fits(entry, query));
    return since === undefined ? entries.slice(-limit) : entries.slice(0, limit);
  }

  /** The entries of the rows that hold these ids; rows that are gone are left out. */
  async #pick(ids: readonly number[]): Promise<ChainedEntry[]> {
    const replies = await this.#redis.pipeline(
      ids.flatMap((id) => [
        ['XRANGE', this.#keys.ledger, String(id), '+', 'COUNT', '1'],
        ['XRANGE', this.#keys.seals, String(id), '+', 'COUNT', '1'],
      ]),
    );
    const rows = new Map<string, SealedRow>();
    for (let at = 0; at < replies.length; at += 2) {
      for (const one of paired(replies[at]!, replies[at + 1]!)) rows.set(one.row.id, one);
    }
    return this.#entriesOf([...rows.values()]);
  }

  async #following(query: LedgerQuery, since: number): Promise<ChainedEntry[]> {
    const found: ChainedEntry[] = [];
    let from = since + 1;
    for (;;) {
      const rows = await this.#search(query, 'XRANGE', String(from), '+');
      for (const entry of await this.#entriesOf(rows)) {
        if (entry.id <= since || !fits(entry, query)) continue;
        found.push(entry);
        if (found.length === query.limit) return found;
      }
      if (rows.length < ROWS_A_TURN) return found;
      from = rows.at(-1)!.row.last + 1;
    }
  }

  async #newest(query: LedgerQuery): Promise<ChainedEntry[]> {
    const found: ChainedEntry[] = [];
    let upTo = '+';
    for (;;) {
      const rows = await this.#search(query, 'XREVRANGE', upTo, '-');
      for (const entry of (await this.#entriesOf(rows.toReversed())).toReversed()) {
        if (!fits(entry, query)) continue;
        found.push(entry);
        if (found.length === query.limit) return found.reverse();
      }
      if (rows.length < ROWS_A_TURN) return found.reverse();
      upTo = String(rows.at(-1)!.row.last - 1);
    }
  }

  /** Rows that may hold what is asked for, in the order of the range. */
  async #search(query: LedgerQuery, command: string, from: string, to: string): Promise<SealedRow[]> {
    const index = indexed(query);
    if (index === null) return this.#rows(command, from, to);
    const key = this.#keys.index(...index);
    const reply = (await this.#redis.send(command, key, from, to, 'COUNT', String(ROWS_A_TURN))) as [string, Reply][];
    const ids = reply.map(([id]) => id);
    if (ids.length === 0) return [];
    const replies = await this.#redis.pipeline(
      ids.flatMap((id) => [
        ['XRANGE', this.#keys.ledger, id, id],
        ['XRANGE', this.#keys.seals, id, id],
      ]),
    );
    return ids.flatMap((_, at) => paired(replies[2 * at]!, replies[2 * at + 1]!));
  }

  async #rows(command: string, from: string, to: string, count = ROWS_A_TURN): Promise<SealedRow[]> {
    const { ledger, seals } = this.#keys;
    const [rows, hashes] = await this.#redis.pipeline([
      [command, ledger, from, to, 'COUNT', String(count)],
      [command, seals, from, to, 'COUNT', String(count)],
    ]);
    return paired(rows!, hashes!);
  }

  /** Rows stand in ascending order; where one does not follow the one before it, what stands before it is looked up. */
  async #entriesOf(rows: readonly SealedRow[]): Promise<ChainedEntry[]> {
    const entries: ChainedEntry[] = [];
    for (const [at, { row, hashes }] of rows.entries()) {
      const before = rows[at - 1];
      const isNext = before !== undefined && before.row.last + 1 === row.first;
      const prev = hashes === null ? null : isNext ? before.hashes!.at(-1)! : await this.#hashBefore(row.first);
      entries.push(...chained(row, hashes, prev));
    }
    return entries;
  }

  async #hashBefore(first: number): Promise<string> {
    const reply = await this.#redis.send('XREVRANGE', this.#keys.seals, String(first - 1), '-', 'COUNT', '1');
    const [seal] = reply as [string, string[]][];
    return seal ? sealedHashes(seal[1][1]!).at(-1)! : (await this.#state()).anchor;
  }

  async verify(): Promise<Verification> {
    for (;;) {
      await this.seal();
      const state = await this.#state();
      const found = await this.#recompute(state);
      if (found.firstInvalidId === null) return found;
      const { first, epoch } = await this.#state();
      // Unless another server has taken over meanwhile, or retention has removed the entry.
      if (epoch === state.epoch && found.firstInvalidId >= first) return found;
    }
  }

  async #recompute({ first, sealed, hash: head, anchor }: State): Promise<Verification> {
    const invalid = (id: number) => ({ valid: false, entries: id - first, head, firstInvalidId: id });
    let hash = anchor;
    let next = first;
    while (next <= sealed) {
      const rows = await this.#rows('XRANGE', String(next), '+');
      if (rows.length === 0) return invalid(next);
      for (const { row, hashes } of rows) {
        if (next > sealed) break;
        const wrong = firstWrong(row, hashes, next, hash);
        if (wrong !== null) return invalid(wrong);
        hash = hashes!.at(-1)!;
        next = row.last + 1;
      }
    }
    return hash === head ? { valid: true, entries: next - first, head, firstInvalidId: null } : invalid(sealed);
  }
}

/** Rows with their hashes, out of the answers of the two streams. */
function paired(rows: Reply, seals: Reply): SealedRow[] {
  const hashes = new Map((seals as [string, string[]][]).map(([id, fields]) => [id, fields[1]!]));
  return (rows as Reply[]).map((message) => {
    const row = rowFrom(message);
    const text = hashes.get(row.id);
    return { row, hashes: text === undefined ? null : sealedHashes(text) };
  });
}

/** The first entry of a row that is not what was written; null when all are. */
function firstWrong(row: Row, stored: readonly string[] | null, expected: number, before: string): number | null {
  if (row.first !== expected) return expected;
  let computed: readonly string[];
  try {
    computed = hashesOf(entriesOf(row), before);
  } catch {
    return expected;
  }
  for (const [at, hash] of computed.entries()) if (stored?.[at] !== hash) return row.first + at;
  return row.lines.length === computed.length && stored?.length === computed.length ? null : row.last;
}
