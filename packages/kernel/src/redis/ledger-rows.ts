import { canonicalEntry, chainHash } from '../core/chain.ts';
import { StorageUnavailable } from '../core/errors.ts';
import type { ChainedEntry, LedgerEntry, LedgerType, NewEvent, Source } from '../core/event.ts';
import type { Reply } from './connection.ts';

/**
 * The ledger is a stream of rows, one for each commit (or for each `MOST_IN_ROW` entries of a large one). A row's id is
 * `<number of its last entry>-<how many it holds>`, so a stream in its natural order is the ledger in its. Its fields:
 * `at`, `by` (the kernel that committed it), and `entries`, a line each: `["type","source","actor",data]`. Numbers, times and hashes of entries follow from
 * where they stand. A second stream holds the hashes of the rows that are sealed, under the same ids.
 */
export const MOST_IN_ROW = 128;
/** A hash as 32 bytes in base64url. */
const HASH_LENGTH = 43;

export interface Row {
  readonly id: string;
  readonly first: number;
  readonly last: number;
  readonly at: number;
  readonly by: string | undefined;
  readonly lines: readonly string[];
}

/** A row on its way into the stream. */
export interface NewRow {
  readonly entries: number;
  readonly text: string;
  /** Under what it can be found: `type:…`, `worker:…`, `actor:…`. */
  readonly indexes: readonly string[];
}

/** An event as an entry that has no number yet. */
export type Unnumbered = Omit<LedgerEntry, 'id'>;

export function unnumbered({ type, source, actor, data }: NewEvent, at: number): Unnumbered {
  const { task_id, worker_id } = data;
  return {
    type,
    source,
    actor,
    at,
    // Events are made with their members in order, so this is the canonical form already.
    data: JSON.stringify(data),
    taskId: typeof task_id === 'string' ? task_id : null,
    workerId: typeof worker_id === 'string' ? worker_id : null,
  };
}

export function rowsOf(entries: readonly Unnumbered[]): NewRow[] {
  const rows: NewRow[] = [];
  for (let from = 0; from < entries.length; from += MOST_IN_ROW) {
    const piece = entries.slice(from, from + MOST_IN_ROW);
    rows.push({ entries: piece.length, text: piece.map(lineOf).join('\n'), indexes: indexesOf(piece) });
  }
  return rows;
}

function indexesOf(entries: readonly Unnumbered[]): string[] {
  const [types, workers, actors] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const { type, workerId, actor } of entries) {
    types.add(type);
    if (workerId !== null) workers.add(workerId);
    actors.add(actor);
  }
  return [
    ...Array.from(types, (type) => `type:${type}`),
    ...Array.from(workers, (id) => `worker:${id}`),
    ...Array.from(actors, (actor) => `actor:${actor}`),
  ];
}

function lineOf({ type, source, actor, data }: Unnumbered): string {
  return `["${type}","${source}",${JSON.stringify(actor)},${data}]`;
}

/** One message of the stream, as `XRANGE` and `XREAD` answer it. */
export function rowFrom(message: Reply): Row {
  const [id, fields] = message as [string, string[]];
  const [last, count] = id.split('-').map(Number) as [number, number];
  const values = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) values.set(fields[at]!, fields[at + 1]!);
  const lines = (values.get('entries') ?? '').split('\n');
  return { id, first: last - count + 1, last, at: Number(values.get('at')), by: values.get('by'), lines };
}

export function entryOf(row: Row, index: number): LedgerEntry {
  const id = row.first + index;
  try {
    const [type, source, actor, data] = JSON.parse(row.lines[index]!) as [LedgerType, Source, string, object];
    const { task_id, worker_id } = data as Record<string, unknown>;
    return {
      id,
      type,
      source,
      actor,
      at: row.at,
      data: JSON.stringify(data),
      taskId: typeof task_id === 'string' ? task_id : null,
      workerId: typeof worker_id === 'string' ? worker_id : null,
    };
  } catch {
    throw new StorageUnavailable(`ledger entry ${id} cannot be read: the database was damaged`);
  }
}

export function entriesOf(row: Row): LedgerEntry[] {
  return Array.from({ length: row.last - row.first + 1 }, (_, index) => entryOf(row, index));
}

/** The hashes of entries, when `before` is the hash of what stands before them. */
export function hashesOf(entries: readonly LedgerEntry[], before: string): string[] {
  let hash = before;
  return entries.map((entry) => {
    hash = chainHash(hash, canonicalEntry(entry));
    return hash;
  });
}

export function sealText(hashes: readonly string[]): string {
  return hashes.map((hash) => Buffer.from(hash, 'hex').toString('base64url')).join('');
}

export function sealedHashes(text: string): string[] {
  const hashes: string[] = [];
  for (let from = 0; from < text.length; from += HASH_LENGTH) {
    hashes.push(Buffer.from(text.slice(from, from + HASH_LENGTH), 'base64url').toString('hex'));
  }
  return hashes;
}

/** A row's entries with their place in the chain. `hashes` null: it is not sealed. */
export function chained(row: Row, hashes: readonly string[] | null, before: string | null): ChainedEntry[] {
  return entriesOf(row).map((entry, index) => ({
    ...entry,
    prevHash: hashes === null ? null : index === 0 ? before : hashes[index - 1]!,
    hash: hashes?.[index] ?? null,
  }));
}
