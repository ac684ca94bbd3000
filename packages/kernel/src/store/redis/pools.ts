import { randomUUID } from 'node:crypto';
import { StorageUnavailable } from '../../core/errors.ts';
import type { RedisConnection } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import { poolsOfTask } from '../units.ts';
import type { Keys } from './keys.ts';
import type { Loader } from './loader.ts';
import { LOWEST_SCORE } from './writes.ts';

/** How many tasks of each pool are executing. Commits count; a pool of which nothing is executing any more stays with 0 for a while. */

/**
 * Counts anew, in one piece, by the lanes of what is executing. Arguments: prefix, a mark to be left should it come to
 * something else than is stored, then (lane, how many pools, pools) for each lane. Answers a task of each lane that was not
 * among them; none: it is done.
 */
const COUNT = new Script(`
local prefix, pools, at = ARGV[1], {}, 3
while at <= #ARGV do
  local last = at + 1 + tonumber(ARGV[at + 1])
  pools[ARGV[at]] = {at + 2, last}
  at = last + 1
end
local counts, unknown, seen = {}, {}, {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'status:executing', '${LOWEST_SCORE}', '+inf')) do
  local text = redis.call('HGET', prefix .. 'specs', id)
  local lane = text and cjson.decode(string.match(text, '^[^\\n]*'))[6]
  local own = lane and pools[lane]
  if own then
    for n = own[1], own[2] do counts[ARGV[n]] = (counts[ARGV[n]] or 0) + 1 end
  elseif lane and not seen[lane] then
    seen[lane] = true
    unknown[#unknown + 1] = id
  end
end
if #unknown > 0 then return unknown end
local stored, key, isOther = redis.call('HGETALL', prefix .. 'pools'), prefix .. 'pools', false
local before = {}
for n = 1, #stored, 2 do before[stored[n]] = tonumber(stored[n + 1]) end
for pool, count in pairs(before) do isOther = isOther or count ~= (counts[pool] or 0) end
for pool, count in pairs(counts) do isOther = isOther or count ~= before[pool] end
if not isOther then return {} end
redis.call('DEL', key)
for pool, count in pairs(counts) do redis.call('HSET', key, pool, count) end
redis.call('SET', prefix .. 'mark', ARGV[2])
return {}
`);

/** As often as lanes come up that were not there a moment before, it is tried again. */
const MOST_TRIES = 100;

/**
 * Sees to it that what is counted is so, also where a kernel that did not count has served the colony. Whoever goes by what
 * was counted before learns by the mark that it was something else.
 */
export async function countPools(redis: RedisConnection, { prefix }: Keys, loader: Loader): Promise<void> {
  const lanes = new Map<string, readonly string[]>();
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const args = [...lanes].flatMap(([lane, pools]) => [lane, String(pools.length), ...pools]);
    const unknown = (await redis.run(COUNT, [prefix, `pools ${randomUUID()}`, ...args])) as string[];
    if (unknown.length === 0) return;
    for (const task of await loader.tasks(unknown)) lanes.set(task.lane, poolsOfTask(task));
  }
  throw new StorageUnavailable('what is executing changes faster than it can be counted; try again');
}

/** So many pools of which nothing is executing are no burden. */
export const MOST_EMPTY_POOLS = 1000;

/** Lets go of them. Arguments: prefix. */
const CLEAR = new Script(`
local key = ARGV[1] .. 'pools'
if redis.call('HLEN', key) <= ${MOST_EMPTY_POOLS} then return 0 end
local stored = redis.call('HGETALL', key)
for n = 1, #stored, 2 do
  if stored[n + 1] == '0' then redis.call('HDEL', key, stored[n]) end
end
return 1
`);

export async function clearEmptyPools(redis: RedisConnection, { prefix }: Keys): Promise<void> {
  await redis.run(CLEAR, [prefix]);
}
