-- KEYS  expiries, reservation, outbox, then a counter per bound
-- ARGV  now or '', id, tokens, nano-dollars, record, then per bound: kind, and the window in ms or the end of the budget
-- Answer: 1, or 0 for a repetition.
local now, id, tokens, spent = clock(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]
-- First of all a step that needs no memory: what comes after a write is not refused by a server that is full.
call('ZREM', KEYS[1], id)
local kept = call('GET', KEYS[2])
local state = kept and sub(kept, 1, 1)
if state == 'S' then return 0 end
local reservation = kept and cmsgpack.unpack(sub(kept, 2))

local place = 1
for position = 0, #KEYS - 4 do
  local key, kind, extra = KEYS[position + 4], ARGV[position * 2 + 6], tonumber(ARGV[position * 2 + 7])
  if kind == 'budget' then
    if state == 'L' then
      count_budget(key, extra, now, spent, '-' .. reservation[2])
    elseif state == 'C' then
      count_budget(key, extra, now, spent, nil)
      count_budget(key, extra, now, '-' .. reservation[2], nil)
    else
      count_budget(key, extra, now, spent, nil)
    end
  elseif kind == 'parallel' then
    call('ZREM', key, id)
  elseif kind == 'tokens' and reservation then
    local at, number = reservation[3][place], reservation[3][place + 1]
    place = place + 2
    correct_window(key, extra, now, at, number, tokens - reservation[1])
  end
end
if ARGV[5] ~= '' then call('XADD', KEYS[3], '*', 'r', ARGV[5]) end
call('SET', KEYS[2], 'S', 'PX', SETTLED_MS)
return 1
