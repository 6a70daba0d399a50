-- KEYS  expiries, reservation, outbox, then a counter per bound
-- ARGV  now or '', id, record, and as one packed array: tokens, nano-dollars as text, then per bound kind, and the
--       window in ms or the budget's end
-- Answer: 1, or 0 for a repetition.
local now, id, record = clock(ARGV[1]), ARGV[2], ARGV[3]
local truth = cmsgpack.unpack(ARGV[4])
local tokens, spent = truth[1], truth[2]
-- First of all a step that needs no memory: what comes after a write is not refused by a server that is full.
call('ZREM', KEYS[1], id)
local kept = call('GET', KEYS[2])
local state = kept and sub(kept, 1, 1)
if state == 'S' then return 0 end
local reservation = kept and cmsgpack.unpack(sub(kept, 2))

local place = 1
for position = 0, #KEYS - 4 do
  local key, kind, extra = KEYS[position + 4], truth[position * 2 + 3], truth[position * 2 + 4]
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
if record ~= '' then call('XADD', KEYS[3], '*', 'r', record) end
call('SET', KEYS[2], 'S', 'PX', SETTLED_MS)
return 1
