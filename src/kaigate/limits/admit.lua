-- KEYS  expiries, a counter per bound, and last the reservation, whose name ends with its id
-- ARGV  now or '', tokens, nano-dollars, lease in ms, record, and as one packed array, which is cheaper than many
--       arguments: per bound kind, limit (a budget's as text), and the window in ms or the budget's end
-- Answer: position of the bound that refuses or -1, wait in ms (0 never), now,
--       then per bound two numbers: total with this ask and newest time; running before and 0;
--       spent and reserved before
local BILLION = 1000000000
local now, tokens, money, lease, record = clock(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local asked = cmsgpack.unpack(ARGV[6])
local reservation = KEYS[#KEYS]
local id = string.match(reservation, '.*:(.*)')

local function split(amount)
  if #amount <= 9 then return 0, tonumber(amount) end
  return tonumber(sub(amount, 1, -10)), tonumber(sub(amount, -9))
end

local function exceeds(spent, reserved, limit)
  local spent_high, spent_low = split(spent)
  local reserved_high, reserved_low = split(reserved)
  local asked_high, asked_low = split(money)
  local limit_high, limit_low = split(limit)
  local low = spent_low + reserved_low + asked_low
  local high = spent_high + reserved_high + asked_high + floor(low / BILLION)
  return high > limit_high or (high == limit_high and low % BILLION > limit_low)
end

-- When a weight that is no larger than the window holds has left.
local function left_at(window, excess)
  for number = window.first, window.last do
    local entries = window.entries
    if number < window.last then
      local chunk = call('HGET', window.key, number)
      local total = unpack_at(TOTAL, chunk)
      entries = ''
      if total < excess then excess = excess - total else entries = sub(chunk, TOTAL_SIZE + 1) end
    end
    for position = 1, #entries, ENTRY_SIZE do
      local at, weight = unpack_at(ENTRY, entries, position)
      excess = excess - weight
      if excess <= 0 then return at + window.span end
    end
  end
end

local function add(window, weight)
  local entries, at = window.entries, window.now
  window.total = window.total + weight
  if entries ~= '' then
    local time, before = unpack_at(ENTRY, entries, #entries - ENTRY_SIZE + 1)
    if time == at then
      window.entries = sub(entries, 1, -ENTRY_SIZE - 1) .. pack(ENTRY, at, before + weight)
      return save_window(window)
    end
    if #entries >= CHUNK_SIZE then
      local _, total = trim(entries, at)
      call('HSET', window.key, window.last, pack(TOTAL, total) .. entries)
      window.last, entries = window.last + 1, ''
    end
    window.entries = entries .. pack(ENTRY, at, weight)
    save_window(window)
    if floor(time / window.span) == floor(at / window.span) then return end
  else
    window.entries = pack(ENTRY, at, weight)
    save_window(window)
  end
  -- Once per span, for two of them: the key outlives its last entry.
  call('PEXPIRE', window.key, 2 * window.span + 60000)
end

local refused, longest = -1, 0
local function need(position, wait)
  if wait > longest then refused, longest = position, wait end
end

local counters, answer = {}, {0, 0, now}
for position = 0, #KEYS - 3 do
  local key, kind = KEYS[position + 2], asked[position * 3 + 1]
  local limit, extra = asked[position * 3 + 2], asked[position * 3 + 3]
  if kind == 'budget' then
    local counted = call('HMGET', key, 's', 'r')
    local spent, reserved = counted[1] or '0', counted[2] or '0'
    if exceeds('0', '0', limit) then
      need(position, math.huge)
    elseif exceeds(spent, reserved, limit) then
      need(position, math.max(1, extra - now))
    end
    answer[position * 2 + 4], answer[position * 2 + 5] = spent, reserved
  elseif kind == 'parallel' then
    local running = call('ZCOUNT', key, '(' .. now, '+inf')
    if limit < 1 then
      need(position, math.huge)
    elseif running >= limit then
      need(position, 1000)
    end
    answer[position * 2 + 4], answer[position * 2 + 5] = running, 0
  else
    local window = open_window(key, extra, now)
    local weight = kind == 'tokens' and tokens or 1
    local excess = window.total + weight - limit
    if weight > limit then
      need(position, math.huge)
    elseif excess > 0 then
      need(position, left_at(window, excess) - now)
    end
    counters[position] = window
    answer[position * 2 + 4] = window.total
    answer[position * 2 + 5] = window.entries == '' and 0 or newest(window.entries)
  end
end

answer[1], answer[2] = refused, longest == math.huge and 0 or longest
if refused >= 0 then
  for _, window in pairs(counters) do
    if window.changed then save_window(window) end
  end
  return answer
end

-- Given back before it came: its gateway lost the connection meanwhile, and nobody reads this.
if call('EXISTS', reservation) == 1 then return answer end

local places, leases, budgets = {}, {}, {}
for position = 0, #KEYS - 3 do
  local key, kind = KEYS[position + 2], asked[position * 3 + 1]
  if kind == 'budget' then
    local ends = asked[position * 3 + 3]
    count_budget(key, ends, now, nil, money)
    budgets[#budgets + 1], budgets[#budgets + 2] = key, ends
  elseif kind == 'parallel' then
    call('ZADD', key, now + lease, id)
    call('PEXPIRE', key, lease + LEASES_MS)
    leases[#leases + 1] = key
  else
    local window = counters[position]
    add(window, kind == 'tokens' and tokens or 1)
    answer[position * 2 + 4], answer[position * 2 + 5] = window.total, window.now
    if kind == 'tokens' then
      places[#places + 1], places[#places + 2] = key, window.span
      places[#places + 1], places[#places + 2] = window.now, window.last
    end
  end
end
local kept = cmsgpack.pack({tokens, money, places, leases, budgets, record})
call('SET', reservation, 'L' .. kept, 'PX', lease + OPEN_MS)
call('ZADD', KEYS[1], now + lease, id)
return answer
