import {
  ARCHIVE_FORMAT,
  type Contents,
  type Piece,
  type SavedText,
  type StoredKey,
  type StoredTask,
} from '../../core/archive.ts';
import { GENESIS } from '../../core/chain.ts';
import { StorageUnavailable } from '../../core/errors.ts';
import type { Ledger } from '../../core/store.ts';
import { TASK_STATUSES } from '../../core/task.ts';
import type { Call, RedisConnection, Reply } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import { BATCH_BYTES, dumpLedger, MOST_IN_PAGE } from '../archive.ts';
import { savingFrom } from '../saved.ts';
import { documentFrom } from './documents.ts';
import type { Keys } from './keys.ts';
import type { Loader } from './loader.ts';
import { scored } from './queries.ts';
import { historyOf, keyFrom, remainsFrom, taskFrom } from './records.ts';
import type { SavedStates } from './saved.ts';

interface Parts {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly loader: Loader;
  readonly saved: SavedStates;
  readonly ledger: Ledger;
}

/** Reads everything; see `Store.dump`. */
export async function* dump({ redis, keys, loader, saved, ledger }: Parts): AsyncGenerator<Piece> {
  await ledger.seal();
  const meta = (await redis.send('HMGET', keys.meta, 'sequence', 'anchor', 'saving')) as (string | null)[];
  const [sequence, anchor, saving = null] = meta;
  const last = Number(sequence ?? 0);
  yield {
    kind: 'head',
    format: ARCHIVE_FORMAT,
    sequence: last,
    saving: savingFrom(saving),
    ledger: { first: (await ledger.span()).first, anchor: anchor ?? GENESIS },
    contents: await contentsOf(redis, keys, ledger),
  };
  yield* dumpTasks(redis, keys, last);
  for await (const [id, text] of scan(redis, keys.removed)) {
    yield { kind: 'removed', remains: remainsFrom(id, text), history: historyOf(text) };
  }
  for (const worker of await loader.workers()) yield { kind: 'worker', worker };
  for await (const [name, text] of scan(redis, keys.documents)) {
    yield { kind: 'document', document: documentFrom(name, text) };
  }
  yield* dumpKeys(redis, keys);
  yield* dumpSaved(redis, keys, saved);
  yield* dumpLedger(ledger);
}

export async function contentsOf(redis: RedisConnection, keys: Keys, ledger: Ledger): Promise<Contents> {
  const numbers = (await redis.send('ZRANGE', keys.saved, '0', '-1')) as string[];
  const hashes = [keys.tasks, keys.removed, keys.workers, keys.documents, keys.idempotency];
  hashes.push(...numbers.map((number) => keys.savedUnder(Number(number))));
  const counts = (await redis.pipeline(hashes.map((key) => ['HLEN', key]))) as number[];
  const [tasks, removed, workers, documents, records, ...states] = counts as [number, number, number, number, number];
  const saved = (states as number[]).reduce((sum, count) => sum + count, 0);
  const { first, last, hash } = await ledger.span();
  return { tasks, removed, workers, documents, keys: records, saved, entries: last - first + 1, head: hash };
}

async function* dumpTasks(redis: RedisConnection, keys: Keys, last: number): AsyncGenerator<StoredTask> {
  let after = 0;
  for (;;) {
    const places = await oldest(redis, keys, after, last);
    if (places.length === 0) return;
    const lengths = (id: string) => [keys.tasks, keys.specs].map((key) => ['HSTRLEN', key, id]);
    for (const some of await portions(
      redis,
      places.map(({ id }) => id),
      lengths,
    ))
      yield* await readTasks(redis, keys, some);
    after = places.at(-1)!.seq;
  }
}

interface Place {
  readonly id: string;
  readonly seq: number;
}

/**
 * Tasks by age, of each status; in one go, so that none is missed that changes its status meanwhile. Arguments: how many at
 * the most, sequence number behind which to begin, the last one, sets. Answers for each set: id and number in turn.
 */
const OLDEST = new Script(`
local answer = {}
for at = 4, #ARGV do
  answer[#answer + 1] = redis.call('ZRANGEBYSCORE', ARGV[at], '(' .. ARGV[2], ARGV[3], 'WITHSCORES', 'LIMIT', 0, ARGV[1])
end
return answer
`);

/** The next tasks by age, of whatever status. */
async function oldest(redis: RedisConnection, keys: Keys, after: number, last: number): Promise<Place[]> {
  const sets = TASK_STATUSES.map((status) => keys.status(status));
  const replies = await redis.run(OLDEST, [...[MOST_IN_PAGE, after, last].map(String), ...sets]);
  return (replies as Reply[])
    .flatMap(scored)
    .map(([id, seq]) => ({ id, seq }))
    .sort((a, b) => a.seq - b.seq)
    .slice(0, MOST_IN_PAGE);
}

/** Divides records into portions that are not too large to be read in one go. @param lengths what asks how long one is */
async function portions(
  redis: RedisConnection,
  ids: readonly string[],
  lengths: (id: string) => readonly Call[],
): Promise<string[][]> {
  const asked = ids.map(lengths);
  const answers = (await redis.pipeline(asked.flat())) as number[];
  const divided: string[][] = [];
  let bytes = BATCH_BYTES;
  let at = 0;
  for (const [index, id] of ids.entries()) {
    if (bytes >= BATCH_BYTES) {
      divided.push([]);
      bytes = 0;
    }
    divided.at(-1)!.push(id);
    for (const end = at + asked[index]!.length; at < end; at++) bytes += answers[at]!;
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
    if (text == null || spec == null) {
      throw new StorageUnavailable(`task ${id} is missing: it was removed just now, or the database was damaged`);
    }
    return { kind: 'task', task: taskFrom(id, text, spec), history: historyOf(text), parent: parents![at] ?? null };
  });
}

/** In the order in which retention will look at them. */
async function* dumpKeys(redis: RedisConnection, keys: Keys): AsyncGenerator<StoredKey> {
  let after = '-';
  for (;;) {
    const reply = await redis.send('XRANGE', keys.idempotencyByTime, after, '+', 'COUNT', String(MOST_IN_PAGE));
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

async function* dumpSaved(redis: RedisConnection, keys: Keys, saved: SavedStates): AsyncGenerator<SavedText> {
  for await (const { number, names } of saved.names(MOST_IN_PAGE)) {
    const hash = keys.savedUnder(number);
    for (const some of await portions(redis, names, (name) => [['HSTRLEN', hash, name]])) {
      const texts = (await redis.send('HMGET', hash, ...some)) as (string | null)[];
      for (const [at, name] of some.entries()) yield { kind: 'saved', number, name, text: texts[at] || null };
    }
  }
}

/** A hash's fields and values, each at least once. */
async function* scan(redis: RedisConnection, hash: string): AsyncGenerator<[field: string, value: string]> {
  let cursor = '0';
  do {
    const reply = await redis.send('HSCAN', hash, cursor, 'COUNT', String(MOST_IN_PAGE));
    const [next, list] = reply as [string, string[]];
    for (let at = 0; at < list.length; at += 2) yield [list[at]!, list[at + 1]!];
    cursor = next;
  } while (cursor !== '0');
}
