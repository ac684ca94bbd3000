import { setTimeout as pause } from 'node:timers/promises';
import { StorageUnavailable } from '../../core/errors.ts';
import { LONGEST_GAP_MS } from '../../redis/clock.ts';
import type { Call, RedisConnection, Reply } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import { INCOMPLETE } from '../archive.ts';
import type { Keys } from './keys.ts';

/** How what is stored is laid out; a kernel refuses a later one. */
export const SCHEMA = 5;
/** In `meta` as long as a colony is being filled: how far that has come. */
export const MARK = 'restoring';

const LOOK_AGAIN_MS = 50;

/**
 * Makes an empty colony where there is none. One of the first schema, in which commits left no mark, becomes one of this:
 * which idempotency keys it has used is not known.
 */
const ENTER = new Script(`
local schema = tonumber(redis.call('HGET', ARGV[1], 'schema'))
if schema and schema >= ${SCHEMA} then return schema end
redis.call('HSET', ARGV[1], 'schema', '${SCHEMA}')
if schema == 1 then redis.call('HDEL', ARGV[1], 'lastKey') end
if not schema then redis.call('HSET', ARGV[1], 'lastKey', '') end
return ${SCHEMA}
`);

/**
 * Makes an empty colony where there is none (any more). Throws `StorageUnavailable` when a later kernel has laid it out
 * anew since this one has opened it.
 */
export async function layOut(send: (call: Call) => Promise<Reply>, { meta }: Keys): Promise<void> {
  const schema = (await send(['EVAL', ENTER.source, '1', meta, meta])) as number;
  if (schema > SCHEMA)
    throw new StorageUnavailable(`the colony has schema version ${schema} by now; start a newer kernel`);
}

/** Makes a kernel's place where there is none yet. Throws with a sentence when the colony cannot be served. */
export async function enter(redis: RedisConnection, keys: Keys, colony: string): Promise<void> {
  await inspect(redis, keys, colony, false);
  await layOut((call) => redis.send(...call), keys);
}

/**
 * Opens a colony for somebody who is no kernel, changing nothing. Throws with a sentence when kernels use it.
 * @param clear removes what a move that was not finished has left, instead of refusing it
 * @returns when the last kernel was there, to be compared
 */
export async function enterAlone(
  redis: RedisConnection,
  keys: Keys,
  colony: string,
  clear: boolean,
): Promise<string | null> {
  if (await isInUse(redis, keys)) throw new Error(`kernels are running on colony ${colony}; stop them first`);
  if (await inspect(redis, keys, colony, clear)) await removeAll(redis, keys);
  return lastBeat(redis, keys);
}

/** Whether it is incomplete, and that does not matter. */
async function inspect(redis: RedisConnection, keys: Keys, colony: string, clearing: boolean): Promise<boolean> {
  const [schema, mark] = (await redis.send('HMGET', keys.meta, 'schema', MARK)) as (string | null)[];
  if (Number(schema) > SCHEMA) {
    throw new Error(
      `colony ${colony} has schema version ${schema}, this kernel knows versions up to ${SCHEMA}; start a newer kernel`,
    );
  }
  if (mark != null && !clearing) throw new Error(INCOMPLETE);
  return mark != null;
}

/** The server's time at the last beat of any kernel. */
export async function lastBeat(redis: RedisConnection, keys: Keys): Promise<string | null> {
  return (await redis.send('HGET', keys.clock, 'wall')) as string | null;
}

/** A kernel that runs beats several times a second; one that has just stopped does so no more. */
async function isInUse(redis: RedisConnection, keys: Keys): Promise<boolean> {
  const [beat, time] = (await redis.pipeline([['HGET', keys.clock, 'wall'], ['TIME']])) as [string | null, string[]];
  if (beat === null || Number(time[0]) * 1000 - Number(beat) > LONGEST_GAP_MS) return false;
  const end = performance.now() + LONGEST_GAP_MS;
  while (performance.now() < end) {
    if ((await lastBeat(redis, keys)) !== beat) return true;
    await pause(LOOK_AGAIN_MS);
  }
  return false;
}

/** The mark goes last: whatever happens in between, nobody takes for a colony what is left. */
async function removeAll(redis: RedisConnection, keys: Keys): Promise<void> {
  // Should somebody be filling it still, this is no longer theirs.
  await redis.send('HSET', keys.meta, MARK, 'clearing');
  let cursor = '0';
  do {
    const reply = await redis.send('SCAN', cursor, 'MATCH', `${keys.prefix}*`, 'COUNT', '1000');
    const [next, found] = reply as [string, Reply[]];
    const names = (found as string[]).filter((name) => name !== keys.meta);
    if (names.length > 0) await redis.send('UNLINK', ...names);
    cursor = next;
  } while (cursor !== '0');
  await redis.send('DEL', keys.meta);
}
