import type { SavedPage, SavedQuery, Saving } from '../../core/saved.ts';
import type { RedisConnection, Reply } from '../../redis/connection.ts';
import { Script } from '../../redis/script.ts';
import { BATCH_BYTES } from '../archive.ts';
import { Cursor, compare } from '../saved.ts';
import { documentFrom } from './documents.ts';
import { expectedText, SAVES_OTHERWISE } from './expected-saving.ts';
import { FORGET } from './forgetting.ts';
import type { Keys } from './keys.ts';
import { keyFrom, remainsFrom, taskFrom } from './records.ts';

/**
 * Looks at what is kept, by number and name. What is kept under an earlier number that counts as well came with that one.
 * Arguments: prefix, first number that counts, number and name behind which to begin, how many to look at, how many bytes
 * are enough. Answers the number and the name that was looked at last (nothing: there are no more), then for each record:
 * number, name, what it was, what it is; of a task, that is its record, its specification, and what is left of it.
 */
const PAGE = new Script(`
local prefix, first, from, limit, room = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5]), tonumber(ARGV[6])
local numbers = redis.call('ZRANGEBYSCORE', prefix .. 'saved', first, '+inf')
local looked, bytes, answer = 0, 0, {'', ''}
local function isFirst(at, name)
  for lower = 1, at - 1 do
    if redis.call('HEXISTS', prefix .. 'saved:' .. numbers[lower], name) == 1 then return false end
  end
  return true
end
local function add(value)
  answer[#answer + 1] = value
  bytes = bytes + (value and #value or 0)
end
for at, number in ipairs(numbers) do
  if tonumber(number) >= from then
    local behind = tonumber(number) == from and ARGV[4] ~= '' and '(' .. ARGV[4] or '-'
    for _, name in ipairs(redis.call('ZRANGEBYLEX', prefix .. 'saved-names:' .. number, behind, '+', 'LIMIT', 0, limit - looked)) do
      looked = looked + 1
      if isFirst(at, name) then
        local kind, id = string.match(name, '^(%S+) (.*)$')
        add(number)
        add(name)
        add(redis.call('HGET', prefix .. 'saved:' .. number, name))
        add(redis.call('HGET', prefix .. (kind == 'idempotency' and kind or kind .. 's'), id))
        add(kind == 'task' and redis.call('HGET', prefix .. 'specs', id))
        add(kind == 'task' and redis.call('HGET', prefix .. 'removed', id))
      end
      if looked == limit or bytes > room then
        answer[1], answer[2] = number, name
        return answer
      end
    end
  end
end
return answer
`);

/**
 * Lets go what is kept under early numbers, and with it what is left of tasks that nothing can bring back any more. Arguments:
 * prefix, number below which it goes, how many at the most, how many bytes are enough, how the store must save. Answers how
 * many went.
 */
const LET_GO = new Script(`
${SAVES_OTHERWISE}
${FORGET}
if savesOtherwise(ARGV[1], ARGV[5]) then return 0 end
local prefix, limit, room, gone, ids = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), 0, {}
-- A task, and what it depends on. Whatever else looks like that is harmless: of what is needed nothing goes.
local function note(id, text)
  room = room - #text
  ids[#ids + 1] = id
  for list in string.gmatch(text, '"depends_on":%[([^%]]*)%]') do
    for on in string.gmatch(list, '"([^"]+)"') do ids[#ids + 1] = on end
  end
end
for _, number in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'saved', '-inf', '(' .. ARGV[2])) do
  local states, order = prefix .. 'saved:' .. number, prefix .. 'saved-names:' .. number
  for _, name in ipairs(redis.call('ZRANGE', order, 0, limit - 1)) do
    if gone == limit or room < 0 then break end
    local id = string.match(name, '^task (.*)$')
    if id then note(id, redis.call('HGET', states, name)) end
    redis.call('HDEL', states, name)
    redis.call('ZREM', order, name)
    gone = gone + 1
  end
  if redis.call('EXISTS', order) == 1 then break end
  redis.call('ZREM', prefix .. 'saved', number)
end
forget(prefix, ids, 1)
return gone
`);

/** What is kept for checkpoints: under each number a hash of texts, and their names in order. */
export class SavedStates {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;

  constructor(redis: RedisConnection, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async page({ since, after, limit }: SavedQuery): Promise<SavedPage> {
    const { number, name } = Cursor.from(after) ?? new Cursor(since, '');
    const args = [this.#keys.prefix, ...[since, number].map(String), name, String(limit), String(BATCH_BYTES)];
    const [lastNumber, lastName, ...list] = (await this.#redis.run(PAGE, args)) as (string | null)[];
    const all = Array.from({ length: list.length / 6 }, (_, at) => savedFrom(list.slice(6 * at, 6 * at + 6)));
    const items = all.filter((item) => item !== null);
    return { items, next: lastNumber ? new Cursor(Number(lastNumber), lastName!).text : null };
  }

  async forget(below: number, limit: number, saving: Saving | undefined): Promise<number> {
    const args = [this.#keys.prefix, ...[below, limit, BATCH_BYTES].map(String), expectedText(saving)];
    return (await this.#redis.run(LET_GO, args)) as number;
  }

  /** What was kept first of each of these, under this number or a later one; nothing of what has not changed since. */
  async since(number: number, names: readonly string[]): Promise<Map<string, string | null>> {
    const kept = new Map<string, string | null>();
    const numbers = (await this.#redis.send('ZRANGEBYSCORE', this.#keys.saved, String(number), '+inf')) as string[];
    for (const one of numbers) {
      const open = names.filter((name) => !kept.has(name));
      if (open.length === 0) break;
      const texts = await this.#redis.send('HMGET', this.#keys.savedUnder(Number(one)), ...open);
      for (const [at, text] of (texts as (string | null)[]).entries())
        if (text != null) kept.set(open[at]!, text || null);
    }
    return kept;
  }

  /** The names of all that is kept, in pieces of a number each. */
  async *names(limit: number): AsyncGenerator<{ readonly number: number; readonly names: readonly string[] }> {
    for (const one of (await this.#redis.send('ZRANGE', this.#keys.saved, '0', '-1')) as string[]) {
      const number = Number(one);
      let from = '-';
      for (;;) {
        const reply: Reply = await this.#redis.send(
          ...['ZRANGEBYLEX', this.#keys.savedNames(number), from, '+', 'LIMIT', '0', String(limit)],
        );
        const names = reply as string[];
        yield { number, names };
        if (names.length < limit) break;
        from = `(${names.at(-1)}`;
      }
    }
  }
}

function savedFrom([number, name, text, now, specification, left]: readonly (string | null)[]) {
  return compare(Number(number), name!, text || null, {
    task: (id) => (now != null && specification != null ? taskFrom(id, now, specification) : null),
    remains: (id) => (left == null ? null : remainsFrom(id, left)),
    document: (called) => (now == null ? null : documentFrom(called, now)),
    key: (key) => (now == null ? null : keyFrom(key, now)),
  });
}
