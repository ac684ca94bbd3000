import { ARCHIVE_FORMAT, type Contents, type Piece, type StoredKey, type StoredTask } from '../../core/archive.ts';
import { GENESIS } from '../../core/chain.ts';
import { StorageUnavailable } from '../../core/errors.ts';
import type { Ledger } from '../../core/store.ts';
import { TASK_STATUSES } from '../../core/task.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { BATCH_BYTES, dumpLedger, MOST_IN_BATCH } from '../archive.ts';
import { documentFrom } from './documents.ts';
import type { Keys } from './keys.ts';
import type { Loader } from './loader.ts';
import { scored } from './queries.ts';
import { historyOf, keyFrom, taskFrom, tombstoneFrom } from './records.ts';

interface Parts {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly loader: Loader;
  readonly ledger: Ledger;
}

/** Reads everything; see `Store.dump`. */
export async function* dump({ redis, keys, loader, ledger }: Parts): AsyncGenerator<Piece> {
  await ledger.seal();
  const [sequence, anchor] = (await redis.send('HMGET', keys.meta, 'sequence', 'anchor')) as (string | null)[];
  yield {
    kind: 'head',
    format: ARCHIVE_FORMAT,
    sequence: Number(sequence ?? 0),
    ledger: { first: (await ledger.span()).first, anchor: anchor ?? GENESIS },
    contents: await contentsOf(redis, keys, ledger),
  };
  yield* dumpTasks(redis, keys);
  for await (const [id, text] of scan(redis, keys.removed)) {
    yield { kind: 'removed', tombstone: tombstoneFrom(id, text), history: historyOf(text) };
  }
  for (const worker of await loader.workers()) yield { kind: 'worker', worker };
  for await (const [name, text] of scan(redis, keys.documents)) {
    yield { kind: 'document', document: documentFrom(name, text) };
  }
  yield* dumpKeys(redis, keys);
  yield* dumpLedger(ledger);
}

export async function contentsOf(redis: RedisConnection, keys: Keys, ledger: Ledger): Promise<Contents> {
  const hashes = [keys.tasks, keys.removed, keys.workers, keys.documents, keys.idempotency];
  const counts = (await redis.pipeline(hashes.map((key) => ['HLEN', key]))) as [number, number, number, number, number];
  const [tasks, removed, workers, documents, records] = counts;
  const { first, last, hash } = await ledger.span();
  return { tasks, removed, workers, documents, keys: records, entries: last - first + 1, head: hash };
}

async function* dumpTasks(redis: RedisConnection, keys: Keys): AsyncGenerator<StoredTask> {
  let after = 0;
  for (;;) {
    const ids = await oldest(redis, keys, after);
    if (ids.length === 0) return;
    for (const some of await portions(redis, keys, ids)) yield* await readTasks(redis, keys, some);
    after = ids.at(-1)!.seq;
  }
}

interface Place {
  readonly id: string;
  readonly seq: number;
}

/** The next tasks by age, of whatever status. */
async function oldest(redis: RedisConnection, keys: Keys, after: number): Promise<Place[]> {
  const replies = await redis.pipeline(
    TASK_STATUSES.map((status) => [
      ...['ZRANGEBYSCORE', keys.status(status), `(${after}`, '+inf', 'WITHSCORES', 'LIMIT', '0', String(MOST_IN_BATCH)],
    ]),
  );
  return replies
    .flatMap(scored)
    .map(([id, seq]) => ({ id, seq }))
    .sort((a, b) => a.seq - b.seq)
    .slice(0, MOST_IN_BATCH);
}

/** Divides tasks into portions that are not too large to be read in one go. */
async function portions(redis: RedisConnection, keys: Keys, tasks: readonly Place[]): Promise<string[][]> {
  const lengths = (await redis.pipeline(
    tasks.flatMap(({ id }) => [
      ['HSTRLEN', keys.tasks, id],
      ['HSTRLEN', keys.specs, id],
    ]),
  )) as number[];
  const divided: string[][] = [];
  let bytes = BATCH_BYTES;
  for (const [at, { id }] of tasks.entries()) {
    if (bytes >= BATCH_BYTES) {
      divided.push([]);
      bytes = 0;
    }
    divided.at(-1)!.push(id);
    bytes += lengths[2 * at]! + lengths[2 * at + 1]!;
  }
  return divided;
}

async function readTasks(redis: RedisConnection, keys: Keys, ids: readonly string[]): Promise<StoredTask[]> {
  const [texts, specs, parents] = (await redis.pipeline([
    ['HMGET', keys.tasks, ...ids],
    ['HMGET', keys.specs, ...ids],
    ['HMGET', keys.parents, ...ids],
  ])) as (string | null)[][];
  return ids.map((id, at) => {
    const [text, spec] = [texts![at], specs![at]];
    if (text == null || spec == null) throw new StorageUnavailable(`task ${id} is missing: the database was damaged`);
    return { kind: 'task', task: taskFrom(id, text, spec), history: historyOf(text), parent: parents![at] ?? null };
  });
}

/** In the order in which retention will look at them. */
async function* dumpKeys(redis: RedisConnection, keys: Keys): AsyncGenerator<StoredKey> {
  let after = '-';
  for (;;) {
    const reply = await redis.send('XRANGE', keys.idempotencyByTime, after, '+', 'COUNT', String(MOST_IN_BATCH));
    const messages = reply as [id: string, fields: string[]][];
    if (messages.length === 0) return;
    const made = messages.flatMap(([, fields]) => {
      // Kernels once wrote them without the time.
      const at = fields[0] === 'at' ? Number(fields[1]) : null;
      return fields.flatMap((value, index) =>
        fields[index - 1] === 'key' && index % 2 === 1 ? [{ at, key: value }] : [],
      );
    });
    const texts = (await redis.send('HMGET', keys.idempotency, ...made.map(({ key }) => key))) as (string | null)[];
    for (const [index, { at, key }] of made.entries()) {
      const text = texts[index];
      const record = text == null ? null : keyFrom(key, text);
      // One that was used again comes when its turn comes.
      if (record && (at === null || record.at === at)) yield { kind: 'key', record };
    }
    // `(` before an id says the same, to a Redis that is not too old.
    const [time, number] = messages.at(-1)![0].split('-') as [string, string];
    after = `${time}-${Number(number) + 1}`;
  }
}

/** A hash's fields and values, each at least once. */
async function* scan(redis: RedisConnection, hash: string): AsyncGenerator<[field: string, value: string]> {
  let cursor = '0';
  do {
    const reply = await redis.send('HSCAN', hash, cursor, 'COUNT', String(MOST_IN_BATCH));
    const [next, list] = reply as [string, string[]];
    for (let at = 0; at < list.length; at += 2) yield [list[at]!, list[at + 1]!];
    cursor = next;
  } while (cursor !== '0');
}
