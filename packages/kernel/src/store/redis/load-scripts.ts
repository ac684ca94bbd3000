import { Script } from '../../redis/script.ts';
import { STATUS_CODE } from './records.ts';

const UNFINISHED_CODES = [STATUS_CODE.pending, STATUS_CODE.queued, STATUS_CODE.executing];

/**
 * The front of some lanes. Arguments: prefix, then (lane, lowest score, highest score, how many) for each. Answers for each lane
 * (id, record, specification) of each task, in queue order.
 */
export const LANES = new Script(`
local prefix = ARGV[1]
local answer = {}
for at = 2, #ARGV, 4 do
  local ids = redis.call('ZRANGEBYSCORE', prefix .. 'queue:' .. ARGV[at], ARGV[at + 1], ARGV[at + 2], 'LIMIT', 0, ARGV[at + 3])
  local lane = {}
  for i, id in ipairs(ids) do
    lane[3 * i - 2] = id
    lane[3 * i - 1] = redis.call('HGET', prefix .. 'tasks', id)
    lane[3 * i] = redis.call('HGET', prefix .. 'specs', id)
  end
  answer[#answer + 1] = lane
end
return answer
`);

/**
 * The tasks of some plans that have not ended, by age. Arguments: prefix, how many of each, plans. Answers for each plan (id,
 * record, specification) of each task.
 */
export const UNFINISHED = new Script(`
local prefix = ARGV[1]
local unfinished = {${UNFINISHED_CODES.map((code) => `['${code}'] = true`).join(', ')}}
local answer = {}
local most = 3 * ARGV[2]
for at = 3, #ARGV do
  local found = {}
  for _, id in ipairs(redis.call('ZRANGE', prefix .. 'plan:' .. ARGV[at], 0, -1)) do
    local text = redis.call('HGET', prefix .. 'tasks', id)
    if text and unfinished[string.match(text, '^[^\\n]*\\n[^\\n]*\\n%[(%d+)')] then
      found[#found + 1] = id
      found[#found + 1] = text
      found[#found + 1] = redis.call('HGET', prefix .. 'specs', id)
      if #found == most then break end
    end
  end
  answer[#answer + 1] = found
end
return answer
`);

/**
 * Some of those who depend on some tasks, by age. Arguments: prefix, how many of each, then for each task its id, and a sequence
 * number as it stands in the set, behind which they are. Answers for each how many depend on it in all, and (id, record,
 * specification) of each.
 */
export const PORTIONS = new Script(`
local prefix, relation, most = ARGV[1], ARGV[1] .. 'dependents', tonumber(ARGV[2])
local any = redis.call('EXISTS', relation) == 1
local answer = {}
for at = 3, #ARGV, 2 do
  local id, found, count = ARGV[at], {}, 0
  if any then
    local to = '(' .. id .. '\\1'
    local members = redis.call('ZRANGEBYLEX', relation, '(' .. id .. '\\0' .. ARGV[at + 1] .. '\\1', to, 'LIMIT', 0, most)
    for i, member in ipairs(members) do
      local other = string.sub(member, #id + 19)
      found[3 * i - 2] = other
      found[3 * i - 1] = redis.call('HGET', prefix .. 'tasks', other)
      found[3 * i] = redis.call('HGET', prefix .. 'specs', other)
    end
    count = #members
    if count == most or tonumber(ARGV[at + 1]) > 0 then
      count = redis.call('ZLEXCOUNT', relation, '[' .. id .. '\\0', to)
    end
  end
  answer[#answer + 1] = count
  answer[#answer + 1] = found
end
return answer
`);

/**
 * Who depends on some tasks of a plan, and is not of it. Arguments: prefix, plan, ids. Answers for each how many depend on it in
 * all, and (id, record, specification) of each outsider.
 */
export const OUTSIDERS = new Script(`
local prefix, plan, relation = ARGV[1], ARGV[1] .. 'plan:' .. ARGV[2], ARGV[1] .. 'dependents'
local answer = {}
for at = 3, #ARGV do
  local id = ARGV[at]
  local members = redis.call('ZRANGEBYLEX', relation, '[' .. id .. '\\0', '(' .. id .. '\\1')
  local found = {}
  for _, member in ipairs(members) do
    local other = string.sub(member, #id + 19)
    if not redis.call('ZSCORE', plan, other) then
      found[#found + 1] = other
      found[#found + 1] = redis.call('HGET', prefix .. 'tasks', other)
      found[#found + 1] = redis.call('HGET', prefix .. 'specs', other)
    end
  end
  answer[#answer + 1] = #members
  answer[#answer + 1] = found
end
return answer
`);

/**
 * Who hangs on some tasks. Arguments: prefix, relation, all (1: those who hang on those, too, and so on), ids. Answers
 * for each task asked for or found: its id, and (id, record, specification) of each that hangs on it; the latter two are empty
 * where they have been given before.
 */
export const RELATIVES = new Script(`
local prefix, relation, all = ARGV[1], ARGV[1] .. ARGV[2], ARGV[3] == '1'
local open, seen, given, answer = {}, {}, {}, {}
for at = 4, #ARGV do open[#open + 1] = ARGV[at] end
local any = redis.call('EXISTS', relation) == 1
while #open > 0 do
  local id = table.remove(open)
  if not seen[id] then
    seen[id] = true
    local found = {}
    if any then
      for _, member in ipairs(redis.call('ZRANGEBYLEX', relation, '[' .. id .. '\\0', '(' .. id .. '\\1')) do
        local other = string.sub(member, #id + 19)
        found[#found + 1] = other
        found[#found + 1] = given[other] and '' or redis.call('HGET', prefix .. 'tasks', other)
        found[#found + 1] = given[other] and '' or redis.call('HGET', prefix .. 'specs', other)
        given[other] = true
        if all then open[#open + 1] = other end
      end
    end
    answer[#answer + 1] = id
    answer[#answer + 1] = found
  end
end
return answer
`);

/**
 * How many tasks, from the first on, come to no more than so many bytes; one at least. Arguments: prefix, how many bytes, ids.
 */
export const FITTING = new Script(`
local tasks, specs, left = ARGV[1] .. 'tasks', ARGV[1] .. 'specs', tonumber(ARGV[2])
for at = 3, #ARGV do
  left = left - redis.call('HSTRLEN', tasks, ARGV[at]) - redis.call('HSTRLEN', specs, ARGV[at])
  if left < 0 then return math.max(1, at - 3) end
end
return #ARGV - 2
`);
