import { REMOVED } from '../../core/store.ts';
import { TASK_STATUSES } from '../../core/task.ts';
import { Script } from '../../redis/script.ts';
import { WHATEVER } from './expected-saving.ts';
import { NEVER } from './records.ts';

/** How many values a script hands to one command at most: Lua's stack is finite. */
export const MOST_ARGUMENTS = 4000;

/** For so long it is known which operation of a kernel was the last. */
export const OPERATION_SECONDS = 86_400;

/**
 * What must be looked at before it is written, in every commit: the directory of the lanes in which something is queued,
 * with what they require; the last idempotency key in the order of its bytes, as far as that is known of a colony; and whether
 * something is kept of a record already.
 */
export const KEEPING = `
local function keepLanes(prefix, from, to)
  local changed = 0
  for at = from, to, 2 do
    local queue = prefix .. 'queue:' .. ARGV[at]
    if redis.call('ZCOUNT', queue, '0', '+inf') > 0 then
      changed = changed + redis.call('HSET', prefix .. 'lanes', ARGV[at], ARGV[at + 1])
    else
      redis.call('DEL', queue)
      changed = changed + redis.call('HDEL', prefix .. 'lanes', ARGV[at])
    end
  end
  if changed > 0 then redis.call('HINCRBY', prefix .. 'meta', 'directory', 1) end
end
local function isBehind(key, other)
  for at = 1, math.min(#key, #other) do
    local one, two = string.byte(key, at), string.byte(other, at)
    if one ~= two then return one > two end
  end
  return #key > #other
end
local function keepSaved(prefix, saving, from, to, left)
  local number = string.match(saving, '^%d+')
  if not number then return end
  for at = from, to, 2 do
    local text = ARGV[at + 1]
    if text == '' then text = left[ARGV[at]] or '' end
    if redis.call('HSETNX', prefix .. 'saved:' .. number, ARGV[at], text) == 1 then
      redis.call('ZADD', prefix .. 'saved-names:' .. number, 0, ARGV[at])
    end
  end
end
local function keepLastKey(prefix, key)
  local last = redis.call('HGET', prefix .. 'meta', 'lastKey')
  if last and isBehind(key, last) then redis.call('HSET', prefix .. 'meta', 'lastKey', key) end
end
`;

/**
 * A commit in one piece: checks that every record is at the version it was decided on, then writes, then appends to
 * the ledger. It knows no policy: what is written where was worked out before. Its arguments, one after the other:
 *
 *   prefix, kernel, operation, how many tasks may execute (or nothing), how many more these are, epoch's name (or nothing),
 *   mark it was decided at (or nothing), whether that must still be the mark (1), mark to be left, last of the keys,
 *   how the store must save, how it saves from then on (or '*' for each)
 *   tasks:   n, ids, expected versions, versions, entries (offsets), states
 *            without a version it is removed; then, for the state, the highest version and token it had, and its place
 *   told of: n, ids, entries (offsets)            tasks that have entries and did not change
 *   back:    n, ids                               those of the tasks that were there before
 *   remains: n, (id, status code)                 what is to be left of tasks that are not there
 *   workers: n, ids, expected versions, values    an empty value removes
 *   keys:    n, keys, expected times, values      an empty value removes
 *   documents: n, names, expected versions, values  an empty value removes
 *   reads:   n, ids, expected versions            tasks it rests on
 *   reads:   n, names, expected versions          documents it rests on
 *   reads:   n, (relation, id, expected count)    and how many hang on some
 *   caps:    n, (pool, how many of it may execute, how many more these are)
 *   calls:   n, (how many arguments, command, arguments)
 *   lanes:   n, (lane, requirements)              whose queues these calls have changed
 *   rows:    n, (entries, time, text, m, indexes)
 *   saved:   n, (name, text)                      what they change, as it was before
 *
 * Answers `committed, first entry's number, whether the mark was the one` (1); or, when nothing was written, `conflict`
 * with kind, id and stored version of each record that is at another one, `full` and how many tasks are executing,
 * `capped` with each of those pools and how many of its tasks are executing,
 * `epoch` when another one has begun, `saving` when the store saves otherwise, or `disturbed` when the mark had to be the one
 * and is not. An operation is carried out once: sent again, it gets the answer it got, and one that was overtaken by a later
 * one of the same kernel is refused.
 */
export const COMMIT = new Script(`
${KEEPING}
local prefix, kernel, operation = ARGV[1], ARGV[2], tonumber(ARGV[3])
local last = redis.call('GET', prefix .. 'operation:' .. kernel)
if last then
  local number, first = string.match(last, '^(%d+) (%d+)$')
  if tonumber(number) == operation then return {'committed', tonumber(first), 0} end
  if tonumber(number) > operation then return redis.error_reply('OVERTAKEN by operation ' .. number) end
end

local meta = redis.call('HMGET', prefix .. 'meta', 'name', 'last', 'saving')
if ARGV[6] ~= '' and meta[1] ~= ARGV[6] then return {'epoch'} end
local saving = meta[3] or ''
if ARGV[11] ~= '${WHATEVER}' and ARGV[11] ~= saving then return {'saving'} end
local undisturbed = (redis.call('GET', prefix .. 'mark') or '') == ARGV[7]
if ARGV[8] == '1' and not undisturbed then return {'disturbed'} end

local at = 12
local function take() at = at + 1; return ARGV[at] end

local conflicts = {'conflict'}
-- The stored texts of n records whose ids and expected versions stand next.
local function check(kind, key, n)
  local texts = {}
  local ids = at
  for from = 1, n, ${MOST_ARGUMENTS} do
    local got = redis.call('HMGET', key, unpack(ARGV, ids + from, ids + math.min(from + ${MOST_ARGUMENTS - 1}, n)))
    for i = 1, #got do texts[from + i - 1] = got[i] end
  end
  for i = 1, n do
    local version = texts[i] and string.match(texts[i], '^%d+') or '0'
    -- What is left of a task that retention removed.
    if ARGV[ids + n + i] == '${REMOVED}' then
      local left = redis.call('HGET', prefix .. 'removed', ARGV[ids + i])
      if left and string.sub(left, 1, 1) ~= '${NEVER}' then version = '${REMOVED}' end
    end
    if version ~= ARGV[ids + n + i] then
      conflicts[#conflicts + 1] = kind
      conflicts[#conflicts + 1] = ARGV[ids + i]
      conflicts[#conflicts + 1] = version
    end
  end
  at = ids + 2 * n
  return texts, ids
end

local tasks = tonumber(take())
local texts, taskIds = check('task', prefix .. 'tasks', tasks)
local versions, offsets, states = at, at + tasks, at + 2 * tasks
at = at + 3 * tasks
local told = tonumber(take())
local toldIds = at
at = at + 2 * told
-- How those had ended that retention has removed, by their names among what is kept.
local left, statuses = {}, {${TASK_STATUSES.map((status) => `'${status}'`).join(', ')}}
local function leftOf(id)
  local text = redis.call('HGET', prefix .. 'removed', id) or ''
  local code = string.match(text, '^%d+')
  if code then left['task ' .. id] = statuses[tonumber(code) + 1] end
  return text
end
local back = {}
for _ = 1, tonumber(take()) do
  local id = take()
  back[id] = string.match(leftOf(id), '^[^\\n]*\\n([^\\n]*)') or ''
end
local remains = {}
for _ = 1, tonumber(take()) do
  local id = take()
  leftOf(id)
  remains[id] = take()
end
local workers = tonumber(take())
local _, workerIds = check('worker', prefix .. 'workers', workers)
local workerValues = at
at = at + workers
local keys = tonumber(take())
local _, keyIds = check('idempotency', prefix .. 'idempotency', keys)
local keyValues = at
at = at + keys
local documents = tonumber(take())
local _, documentNames = check('document', prefix .. 'documents', documents)
local documentValues = at
at = at + documents
check('task', prefix .. 'tasks', tonumber(take()))
check('document', prefix .. 'documents', tonumber(take()))
for _ = 1, tonumber(take()) do
  local relation, id, expected = take(), take(), take()
  local count = redis.call('ZLEXCOUNT', prefix .. relation, '[' .. id .. '\\0', '(' .. id .. '\\1')
  if count ~= tonumber(expected) then
    conflicts[#conflicts + 1] = relation
    conflicts[#conflicts + 1] = id
    conflicts[#conflicts + 1] = tostring(count)
  end
end
local capped, isCapped = {'capped'}, false
for _ = 1, tonumber(take()) do
  local pool, most, started = take(), tonumber(take()), tonumber(take())
  local executing = tonumber(redis.call('HGET', prefix .. 'pools', pool) or '0')
  capped[#capped + 1] = pool
  capped[#capped + 1] = executing
  if executing + started > most then isCapped = true end
end
if #conflicts > 1 then return conflicts end
if ARGV[4] ~= '' and tonumber(ARGV[5]) > 0 then
  local executing = tonumber(redis.call('HGET', prefix .. 'counts', 'executing') or '0')
  if executing + tonumber(ARGV[5]) > tonumber(ARGV[4]) then return {'full', executing} end
end
if isCapped then return capped end

local head = tonumber(meta[2] or '0')

local function hset(key, values)
  for from = 1, #values, ${MOST_ARGUMENTS} do
    redis.call('HSET', key, unpack(values, from, math.min(from + ${MOST_ARGUMENTS - 1}, #values)))
  end
end
-- The numbers of a task's entries: those it had, and these offsets from the head.
local function history(old, more)
  if more == '' then return old end
  return old .. string.gsub(more, '%d+', function (offset) return string.format('%.0f', head + tonumber(offset)) end)
end

-- As if it had never been: there remain its history, and the highest version and token.
local function remove(id, entries, state)
  local highest, place = string.match(state, '^(%d+\\n%d+)\\n(.*)$')
  redis.call('HSET', prefix .. 'removed', id, '${NEVER}\\n' .. entries .. '\\n' .. highest)
  redis.call('HDEL', prefix .. 'tasks', id)
  local parent = redis.call('HGET', prefix .. 'parents', id)
  if parent then
    redis.call('HDEL', prefix .. 'parents', id)
    redis.call('ZREM', prefix .. 'children', parent .. place)
  end
end

for id in pairs(back) do redis.call('HDEL', prefix .. 'removed', id) end
local values = {}
for i = 1, tasks do
  local id, version, state = ARGV[taskIds + i], ARGV[versions + i], ARGV[states + i]
  local old = texts[i] and string.match(texts[i], '^%d+\\n([^\\n]*)\\n') or back[id] or ''
  local entries = history(old, ARGV[offsets + i])
  if version == '' then remove(id, entries, state)
  else
    values[#values + 1] = id
    values[#values + 1] = version .. '\\n' .. entries .. '\\n' .. state
  end
end
for id, code in pairs(remains) do
  local text = redis.call('HGET', prefix .. 'removed', id)
  if text then redis.call('HSET', prefix .. 'removed', id, code .. string.match(text, '\\n.*$')) end
end
for i = 1, told do
  local id = ARGV[toldIds + i]
  local text = redis.call('HGET', prefix .. 'tasks', id)
  if text then
    local version, old, state = string.match(text, '^(%d+)\\n([^\\n]*)\\n(.*)$')
    values[#values + 1] = id
    values[#values + 1] = version .. '\\n' .. history(old, ARGV[toldIds + told + i]) .. '\\n' .. state
  end
end
hset(prefix .. 'tasks', values)

local function put(key, n, ids, values)
  for i = 1, n do
    local id, value = ARGV[ids + i], ARGV[values + i]
    if value == '' then redis.call('HDEL', key, id) else redis.call('HSET', key, id, value) end
  end
end
put(prefix .. 'workers', workers, workerIds, workerValues)
put(prefix .. 'documents', documents, documentNames, documentValues)

values = {}
for i = 1, keys do
  local key, value = ARGV[keyIds + i], ARGV[keyValues + i]
  if value == '' then redis.call('HDEL', prefix .. 'idempotency', key)
  else
    values[#values + 1] = key
    values[#values + 1] = value
  end
end
hset(prefix .. 'idempotency', values)
keepLastKey(prefix, ARGV[10])

for _ = 1, tonumber(take()) do
  local size = tonumber(take())
  redis.call(unpack(ARGV, at + 1, at + size))
  at = at + size
end

local lanes = tonumber(take())
keepLanes(prefix, at + 1, at + 2 * lanes)
at = at + 2 * lanes

local rows = tonumber(take())
local reached = head
for _ = 1, rows do
  local entries, time, text = take(), take(), take()
  reached = reached + tonumber(entries)
  local id = string.format('%.0f', reached) .. '-' .. entries
  redis.call('XADD', prefix .. 'ledger', id, 'at', time, 'by', kernel, 'entries', text)
  for _ = 1, tonumber(take()) do redis.call('XADD', prefix .. 'index:' .. take(), id, '', '') end
end
if rows > 0 then redis.call('HSET', prefix .. 'meta', 'last', string.format('%.0f', reached)) end

local saved = tonumber(take())
keepSaved(prefix, saving, at + 1, at + 2 * saved, left)
local after = ARGV[12]
if after ~= '${WHATEVER}' then
  redis.call('HSET', prefix .. 'meta', 'saving', after)
  if after ~= '' then redis.call('ZADD', prefix .. 'saved', string.match(after, '^%d+'), string.match(after, '^%d+')) end
end
redis.call('SET', prefix .. 'mark', ARGV[9])
redis.call('SET', prefix .. 'operation:' .. kernel, ARGV[3] .. ' ' .. string.format('%.0f', head + 1), 'EX', ${OPERATION_SECONDS})
return {'committed', head + 1, undisturbed and 1 or 0}
`);
