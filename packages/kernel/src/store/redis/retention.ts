import type { LedgerEntry } from '../../core/event.ts';
import type { Saving } from '../../core/saved.ts';
import type { Retention } from '../../core/store.ts';
import type { RedisConnection, Reply } from '../../redis/connection.ts';
import { entriesOf, rowFrom, rowsOf, sealedHashes } from '../../redis/ledger-rows.ts';
import { Script } from '../../redis/script.ts';
import type { Documents } from './documents.ts';
import { expectedText, SAVES_OTHERWISE } from './expected-saving.ts';
import { FORGET } from './forgetting.ts';
import type { Keys } from './keys.ts';
import type { Loader } from './loader.ts';
import { removeTask } from './placing.ts';
import { clearEmptyPools } from './pools.ts';
import { highestText, pair, STATUS_CODE } from './records.ts';
import { LOWEST_SCORE, Writes } from './writes.ts';

/**
 * Removes ended tasks. Of each there remains how it ended and which ledger entries tell of it, and its children are
 * handed on to its parent. One that has changed in the meantime stays. Arguments: prefix, how the store must save, n, then for each (id,
 * version, status code, highest version and token, place among its parent's children, how many more arguments, calls), then those of
 * which nothing may have to be left: these, and whatever they depended on.
 */
const REMOVE = new Script(`
${SAVES_OTHERWISE}
${FORGET}
if savesOtherwise(ARGV[1], ARGV[2]) then return 0 end
local prefix, removed, at = ARGV[1], 0, 3
for _ = 1, tonumber(ARGV[3]) do
  local id, version, status, highest, size = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5])
  local text = redis.call('HGET', prefix .. 'tasks', id)
  local found, history = string.match(text or '', '^(%d+)\\n([^\\n]*)\\n')
  at = at + 5
  if found == version then
    removed = removed + 1
    redis.call('HSET', prefix .. 'removed', id, status .. '\\n' .. history .. '\\n' .. highest)
    redis.call('HDEL', prefix .. 'tasks', id)
    local parent = redis.call('HGET', prefix .. 'parents', id)
    if parent then
      local children = prefix .. 'children'
      redis.call('HDEL', prefix .. 'parents', id)
      redis.call('ZREM', children, parent .. ARGV[at + 1])
      for _, member in ipairs(redis.call('ZRANGEBYLEX', children, '[' .. id .. '\\0', '(' .. id .. '\\1')) do
        redis.call('ZREM', children, member)
        redis.call('ZADD', children, 0, parent .. string.sub(member, #id + 1))
        redis.call('HSET', prefix .. 'parents', string.sub(member, #id + 19), parent)
      end
    end
    local call = at + 1
    while call < at + size do
      local length = tonumber(ARGV[call + 1])
      redis.call(unpack(ARGV, call + 2, call + 1 + length))
      call = call + 1 + length
    end
  end
  at = at + size
end
forget(prefix, ARGV, at + 1)
return removed
`);

/**
 * Removes idempotency records, those that were made first. One whose key was used again is newer, and stays.
 * Arguments: prefix, time before which they go, how many to look at, how the store must save.
 */
const FORGET_KEYS = new Script(`
${SAVES_OTHERWISE}
if savesOtherwise(ARGV[1], ARGV[4]) then return 0 end
local records, order, gone = ARGV[1] .. 'idempotency', ARGV[1] .. 'idempotency-by-time', 0
local before = tonumber(ARGV[2])
for _, message in ipairs(redis.call('XRANGE', order, '-', '+', 'COUNT', ARGV[3])) do
  local fields = message[2]
  if fields[1] == 'at' and tonumber(fields[2]) >= before then return gone end
  for at = 1, #fields, 2 do
    local text = fields[at] == 'key' and redis.call('HGET', records, fields[at + 1])
    local isOld = text and tonumber(string.match(text, '^%d+')) < before
    -- As kernels once wrote it, without the time: the record's own tells whether it is its turn.
    if text and not isOld and fields[1] == 'key' then return gone end
    if isOld then gone = gone + redis.call('HDEL', records, fields[at + 1]) end
  end
  redis.call('XDEL', order, message[1])
end
return gone
`);

/**
 * Lets the ledger begin later, unless the last row that would go is not there (any more): others have removed it, or it
 * got lost with a failover. Arguments: prefix, first entry, the hash before it, that row's id and hashes, how the store must save,
 * n, n streams (first the seals), the tasks that what goes tells of.
 */
const TRIM = new Script(`
${SAVES_OTHERWISE}
${FORGET}
if savesOtherwise(ARGV[1], ARGV[6]) then return 0 end
local seal = redis.call('XRANGE', ARGV[8], ARGV[4], ARGV[4])[1]
if not seal or seal[2][2] ~= ARGV[5] then return 0 end
redis.call('HSET', ARGV[1] .. 'meta', 'first', ARGV[2], 'anchor', ARGV[3])
local last = 7 + tonumber(ARGV[7])
for at = 8, last do
  redis.call('XTRIM', ARGV[at], 'MINID', ARGV[2])
  if redis.call('XLEN', ARGV[at]) == 0 then redis.call('DEL', ARGV[at]) end
end
forget(ARGV[1], ARGV, last + 1)
return 1
`);

/**
 * Removes what retention no longer keeps, a bounded piece at a time; each script looks whether the store still saves as it did
 * when that was looked at. @returns how much went
 */
export class Pruner {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #loader: Loader;
  readonly #documents: Documents;

  constructor(redis: RedisConnection, keys: Keys, loader: Loader, documents: Documents) {
    this.#redis = redis;
    this.#keys = keys;
    this.#loader = loader;
    this.#documents = documents;
  }

  async prune(before: Retention, limit: number, expected?: Saving): Promise<number> {
    const { endedBefore, ledgerBefore, idempotencyBefore } = before;
    const saving = expectedText(expected);
    const tasks = endedBefore === null ? 0 : await this.#pruneTasks(endedBefore, limit, saving);
    const rows = ledgerBefore === null ? 0 : await this.#pruneLedger(ledgerBefore, limit, saving);
    const documents = endedBefore === null ? 0 : await this.#documents.removeEnded(endedBefore, limit, saving);
    await clearEmptyPools(this.#redis, this.#keys);
    return tasks + documents + rows + (await this.#pruneKeys(idempotencyBefore, limit, saving));
  }

  async #pruneTasks(before: number, limit: number, saving: string): Promise<number> {
    const { ended, prefix } = this.#keys;
    const ids = (await this.#redis.send(
      ...['ZRANGEBYSCORE', ended, LOWEST_SCORE, `(${before}`, 'LIMIT', '0', String(limit)],
    )) as string[];
    if (ids.length === 0) return 0;
    const tasks = await this.#loader.tasks(ids);
    const args: string[] = [prefix, saving, String(tasks.length)];
    for (const task of tasks) {
      const writes = new Writes();
      removeTask(writes, this.#keys, task, new Map());
      const calls = writes.calls().flatMap((call) => [String(call.length), ...call]);
      args.push(task.id, String(task.version), String(STATUS_CODE[task.status]), highestText(task));
      args.push(String(calls.length + 1), pair('', task.seq, task.id), ...calls);
    }
    for (const { id, spec } of tasks) args.push(id, ...spec.value.depends_on);
    return (await this.#redis.run(REMOVE, args)) as number;
  }

  /** Whole rows only, sealed ones, and never the newest: the chain must have something to hold on to. */
  async #pruneLedger(before: number, limit: number, saving: string): Promise<number> {
    const { ledger, seals, meta, prefix } = this.#keys;
    // How far it is sealed first: in between it can only get further.
    const [[last, sealed], messages, hashes] = (await this.#redis.pipeline([
      ['HMGET', meta, 'last', 'sealed'],
      ['XRANGE', ledger, '-', '+', 'COUNT', String(limit)],
      ['XRANGE', seals, '-', '+', 'COUNT', String(limit)],
    ])) as [string[], Reply[], [string, string[]][]];
    const rows = messages.map(rowFrom);
    const end = rows.findIndex((row) => row.at >= before || row.last >= Number(last) || row.last > Number(sealed ?? 0));
    const going = end < 0 ? rows : rows.slice(0, end);
    const newest = going.at(-1);
    const seal = hashes.find(([id]) => id === newest?.id)?.[1][1];
    if (!newest || seal === undefined) return 0;
    const [first, anchor] = [String(newest.last + 1), sealedHashes(seal).at(-1)!];
    const entries = going.flatMap(entriesOf);
    const streams = [seals, ledger, ...this.#indexesOf(entries)];
    const told = new Set(entries.flatMap(({ taskId }) => taskId ?? []));
    const args = [prefix, first, anchor, newest.id, seal, saving, String(streams.length), ...streams, ...told];
    return (await this.#redis.run(TRIM, args)) === 1 ? going.length : 0;
  }

  #indexesOf(entries: readonly LedgerEntry[]): Set<string> {
    const names = new Set<string>();
    for (const { indexes } of rowsOf(entries)) for (const name of indexes) names.add(name);
    return new Set([...names].map((name) => `${this.#keys.prefix}index:${name}`));
  }

  async #pruneKeys(before: number, limit: number, saving: string): Promise<number> {
    return (await this.#redis.run(FORGET_KEYS, [this.#keys.prefix, String(before), String(limit), saving])) as number;
  }
}
