-- What the scripts share. It is put in front of each of them.
--
-- A window is a hash. Field `h` holds its head and the newest entries, the fields 1, 2, ... full chunks of older ones:
--   h      total in the window, number of the oldest chunk, number of the open chunk, entries of the open chunk
--   chunk  total of the chunk, entries
-- An entry is a time of admission in milliseconds and a weight. Weights of one millisecond share an entry, so a window
-- has at most as many entries as milliseconds, whatever its limit. A busy window costs a step O(1) chunks, amortised;
-- chunks that are over are dropped whole. Numbers of windows stay far below 2^53.
--
-- A budget is a hash with the fields s (spent) and r (reserved). Nano-dollars exceed 2^53, so sums are made by the
-- server (64 bits), and compared here as dollars and nano-dollars apart.
--
-- A reservation is a string: its state (L live, C charged, S settled) and a packed array:
--   tokens, nano-dollars, places of its tokens {key, window in ms, time, chunk, ...}, keys of its leases {...},
--   its budgets {key, end, ...}, record
local call, pack, unpack_at = redis.call, struct.pack, struct.unpack
local sub, floor = string.sub, math.floor

local HEAD, ENTRY, TOTAL = '>I8I4I4', '>I6I6', '>I8'
local HEAD_SIZE, ENTRY_SIZE, TOTAL_SIZE = 16, 12, 8
local CHUNK_SIZE = $CHUNK_ENTRIES * ENTRY_SIZE

local DAY_MS = 86400000
local GRACE_MS = 2 * DAY_MS       -- a budget outlives its window, for what settles late
local CHARGED_MS = 2 * DAY_MS     -- a charged reservation can be corrected
local SETTLED_MS = 600000         -- a settlement can be repeated
local OPEN_MS = 7 * DAY_MS        -- a reservation waits for a gateway that charges it
local LEASES_MS = 3600000         -- leases outlive the last one that began

local function clock(override)
  if override ~= '' then return tonumber(override) end
  local time = call('TIME')
  return time[1] * 1000 + floor(time[2] / 1000)
end

local function newest(entries)
  return (unpack_at(ENTRY, entries, #entries - ENTRY_SIZE + 1))
end

-- Entries later than the horizon, and the weight of the others.
local function trim(entries, horizon)
  local position, left, size = 1, 0, #entries
  while position < size do
    local at, weight = unpack_at(ENTRY, entries, position)
    if at > horizon then break end
    left = left + weight
    position = position + ENTRY_SIZE
  end
  if position == 1 then return entries, 0 end
  return sub(entries, position), left
end

-- The window as of now, without what has left. A clock that was set back, by a failover perhaps, stands still until it
-- has caught up; one that was set back by more than the window begins anew.
local function open_window(key, span, now)
  local window = {key = key, span = span, now = now, total = 0, first = 1, last = 1, entries = '', changed = false}
  local head = call('HGET', key, 'h')
  if not head then return window end
  window.total, window.first, window.last = unpack_at(HEAD, head)
  window.entries = sub(head, HEAD_SIZE + 1)
  local latest = newest(window.entries)
  if latest > now then
    if latest - now > span then
      call('DEL', key)
      window.total, window.first, window.last, window.entries = 0, 1, 1, ''
      return window
    end
    window.now = latest
  end
  local horizon = window.now - span
  while window.first < window.last do
    local chunk = call('HGET', key, window.first)
    local total, entries = unpack_at(TOTAL, chunk), sub(chunk, TOTAL_SIZE + 1)
    if newest(entries) > horizon then
      local rest, left = trim(entries, horizon)
      if #rest < #entries then
        call('HSET', key, window.first, pack(TOTAL, total - left) .. rest)
        window.total, window.changed = window.total - left, true
      end
      return window
    end
    call('HDEL', key, window.first)
    window.total, window.first, window.changed = window.total - total, window.first + 1, true
  end
  local rest, left = trim(window.entries, horizon)
  if #rest < #window.entries then
    window.entries, window.total, window.changed = rest, window.total - left, true
  end
  return window
end

local function save_window(window)
  if window.entries == '' then
    call('DEL', window.key)
  else
    call('HSET', window.key, 'h', pack(HEAD, window.total, window.first, window.last) .. window.entries)
  end
end

-- Position of the entry of a time, and its weight.
local function find(entries, at)
  local low, high = 0, #entries / ENTRY_SIZE - 1
  while low <= high do
    local middle = floor((low + high) / 2)
    local time, weight = unpack_at(ENTRY, entries, middle * ENTRY_SIZE + 1)
    if time == at then return middle * ENTRY_SIZE + 1, weight end
    if time < at then low = middle + 1 else high = middle - 1 end
  end
end

local function replaced(entries, position, at, weight)
  return sub(entries, 1, position - 1) .. pack(ENTRY, at, weight) .. sub(entries, position + ENTRY_SIZE)
end

-- Change a weight where it was counted, unless it has left.
local function correct_window(key, span, now, at, number, difference)
  local window = open_window(key, span, now)
  if at > window.now - span then
    if number == window.last then
      local position, weight = find(window.entries, at)
      if position then
        window.entries = replaced(window.entries, position, at, weight + difference)
        window.total, window.changed = window.total + difference, true
      end
    else
      local chunk = call('HGET', key, number)
      local entries = chunk and sub(chunk, TOTAL_SIZE + 1) or ''
      local position, weight = find(entries, at)
      if position then
        local total = unpack_at(TOTAL, chunk) + difference
        call('HSET', key, number, pack(TOTAL, total) .. replaced(entries, position, at, weight + difference))
        window.total, window.changed = window.total + difference, true
      end
    end
  end
  if window.changed then save_window(window) end
end

-- Add to what is spent and to what is reserved; both are decimal texts.
local function count_budget(key, ends, now, spent, reserved)
  for field, amount in pairs({s = spent, r = reserved}) do
    if amount ~= '0' and amount ~= '-0' then
      local sum = call('HINCRBY', key, field, amount)
      if sum < 0 then call('HSET', key, field, 0) end
      -- Perhaps a new field of a new key: doubles are too coarse to be sure, and once too often does no harm.
      if sum < 0 or sum == tonumber(amount) then
        call('PEXPIRE', key, math.max(ends - now, 0) + GRACE_MS)
      end
    end
  end
end
