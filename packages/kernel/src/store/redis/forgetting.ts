/**
 * What is left of a removed task goes as well, once the ledger tells of it no more, no task that is there depends on it, and
 * nothing is kept of it for a checkpoint. Looks at those in a list, from a place on.
 */
export const FORGET = `
local function forget(prefix, ids, from)
  local removed, first = prefix .. 'removed', tonumber(redis.call('HGET', prefix .. 'meta', 'first') or '1')
  local numbers = redis.call('ZRANGE', prefix .. 'saved', 0, -1)
  local function isKept(id)
    for _, number in ipairs(numbers) do
      if redis.call('HEXISTS', prefix .. 'saved:' .. number, 'task ' .. id) == 1 then return true end
    end
    return false
  end
  for at = from, #ids do
    local id = ids[at]
    local text = redis.call('HGET', removed, id)
    local history = text and string.match(text, '^[^\\n]*\\n([^\\n]*)')
    if history and tonumber(string.match(history, ' (%d+)$') or '0') < first
      and redis.call('ZLEXCOUNT', prefix .. 'dependents', '[' .. id .. '\\0', '(' .. id .. '\\1') == 0
      and not isKept(id) then
      redis.call('HDEL', removed, id)
    end
  end
end
`;
