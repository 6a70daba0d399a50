-- KEYS  expiries, a counter per bound, and last the reservation, whose name ends with its id
-- ARGV  'tokens nano-dollars lease-in-ms now', where now may be missing; record; and as one packed array, which is
--       cheaper than many arguments: per bound kind, limit (a budget's as text), and the window in ms or the budget's end
-- Answer: position of the bound that refuses or -1, wait in ms (0 never), then per bound what is left and in how many
--       ms it is whole again; what is left of a budget of more than 15 digits is a text
local BILLION = 1000000000
local tokens, money, lease, now = string.match(ARGV[1], '(%d+) (%d+) (%d+) (%d*)')
tokens, lease, now = tonumber(tokens), tonumber(lease), clock(now)
local record, asked = ARGV[2], cmsgpack.unpack(ARGV[3])
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

-- A budget's limit without some amounts, not below 0.
local function left_of(limit, ...)
  local rest, exact = tonumber(limit), #limit <= 15
  for _, amount in ipairs({...}) do
    rest, exact = rest - tonumber(amount), exact and #amount <= 15
  end
  if exact or #limit <= 15 then return math.max(0, rest) end
  local high, low = split(limit)
  for _, amount in ipairs({...}) do
    local amount_high, amount_low = split(amount)
    high, low = high - amount_high, low - amount_low
  end
  local borrowed = math.max(0, math.ceil(-low / BILLION))
  high, low = high - borrowed, low + borrowed * BILLION
  if high < 0 then return 0 end
  return string.format('%.0f%09.0f', high, low)
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

local counters, used = {}, {}
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
    used[position] = {spent, reserved}
  elseif kind == 'parallel' then
    local running = call('ZCOUNT', key, '(' .. now, '+inf')
    if limit < 1 then
      need(position, math.huge)
    elseif running >= limit then
      need(position, 1000)
    end
    used[position] = running
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
  end
end

local function answer()
  local admitted = refused < 0
  local found = {refused, longest == math.huge and 0 or longest}
  for position = 0, #KEYS - 3 do
    local kind, limit, extra = asked[position * 3 + 1], asked[position * 3 + 2], asked[position * 3 + 3]
    local left, whole
    if kind == 'budget' then
      left = left_of(limit, used[position][1], used[position][2], admitted and money or '0')
      whole = extra - now
    elseif kind == 'parallel' then
      local running = used[position] + (admitted and 1 or 0)
      left, whole = math.max(0, limit - running), running > 0 and 1000 or 0
    else
      local window = counters[position]
      left = math.max(0, limit - window.total)
      whole = window.entries == '' and 0 or newest(window.entries) + extra - now
    end
    found[position * 2 + 3], found[position * 2 + 4] = left, math.max(0, whole)
  end
  return found
end

if refused >= 0 then
  for _, window in pairs(counters) do
    if window.changed then save_window(window) end
  end
  return answer()
end

-- Given back before it came: its gateway lost the connection meanwhile, and nobody reads this.
if call('EXISTS', reservation) == 1 then return answer() end

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
    if kind == 'tokens' then
      places[#places + 1], places[#places + 2] = key, window.span
      places[#places + 1], places[#places + 2] = window.now, window.last
    end
  end
end
local kept = cmsgpack.pack({tokens, money, places, leases, budgets, record})
call('SET', reservation, 'L' .. kept, 'PX', lease + OPEN_MS)
call('ZADD', KEYS[1], now + lease, id)
return answer()
