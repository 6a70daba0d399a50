-- KEYS  expiries, outbox
-- ARGV  now or '', prefix of reservations, how many at most
-- Keys of reservations, leases and budgets share the hash tag of KEYS[1], so that they are on the same node of a cluster.
local now = clock(ARGV[1])
local due = call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])
for _, id in ipairs(due) do
  call('ZREM', KEYS[1], id)
  local key = ARGV[2] .. id
  local kept = call('GET', key)
  if kept and sub(kept, 1, 1) == 'L' then
    local reservation = cmsgpack.unpack(sub(kept, 2))
    local charged, budgets = reservation[2], reservation[5]
    for _, lease in ipairs(reservation[4]) do call('ZREM', lease, id) end
    for position = 1, #budgets, 2 do
      count_budget(budgets[position], budgets[position + 1], now, charged, '-' .. charged)
    end
    if reservation[6] ~= '' then call('XADD', KEYS[2], '*', 'r', reservation[6]) end
    reservation[4], reservation[6] = {}, ''
    call('SET', key, 'C' .. cmsgpack.pack(reservation), 'PX', CHARGED_MS)
  end
end
return #due
