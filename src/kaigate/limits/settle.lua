-- KEYS  expiries, outbox
-- ARGV  now or '', prefix of reservations, and packed settlements: id, record, tokens, nano-dollars as text, and of one
--       whose reservation is known to be lost its budgets {key, end, ...}
-- Answer: ids whose reservation is lost, where no budgets came along; nothing is changed for them.
-- Keys of reservations, windows, leases and budgets share the hash tag of KEYS[1], as everywhere.
local now, settlements = clock(ARGV[1]), cmsgpack.unpack(ARGV[3])
local lost, records = {}, {}

local ids = {}
for position, settlement in ipairs(settlements) do ids[position] = settlement[1] end
-- First of all a step that needs no memory: what comes after a write is not refused by a server that is full.
call('ZREM', KEYS[1], unpack(ids))

local function correct(id, state, reservation, tokens, spent)
  local charged, places, budgets = reservation[2], reservation[3], reservation[5]
  for position = 1, #places, 4 do
    local key, span, at, number = places[position], places[position + 1], places[position + 2], places[position + 3]
    correct_window(key, span, now, at, number, tokens - reservation[1])
  end
  for _, key in ipairs(reservation[4]) do call('ZREM', key, id) end
  for position = 1, #budgets, 2 do
    local key, ends = budgets[position], budgets[position + 1]
    if state == 'L' then
      count_budget(key, ends, now, spent, '-' .. charged)
    else
      count_budget(key, ends, now, spent, nil)
      count_budget(key, ends, now, '-' .. charged, nil)
    end
  end
end

for _, settlement in ipairs(settlements) do
  local id, record, tokens, spent, budgets = unpack(settlement)
  local name = ARGV[2] .. id
  local kept = call('GET', name)
  local state = kept and sub(kept, 1, 1)
  if not kept and not budgets then
    lost[#lost + 1] = id
  elseif state ~= 'S' then
    if kept then
      correct(id, state, cmsgpack.unpack(sub(kept, 2)), tokens, spent)
    else
      for position = 1, #budgets, 2 do count_budget(budgets[position], budgets[position + 1], now, spent, nil) end
    end
    if record ~= '' then records[#records + 1] = record end
    call('SET', name, 'S', 'PX', SETTLED_MS)
  end
end
-- One entry for all of them: JSON has no line breaks.
if #records > 0 then call('XADD', KEYS[2], '*', 'r', table.concat(records, '\n')) end
return lost
