-- KEYS  expiries
-- ARGV  now or '', prefix of reservations, lease in ms, ids
-- Keys of reservations and leases share the hash tag of KEYS[1], so that they are on the same node of a cluster.
local now, lease = clock(ARGV[1]), tonumber(ARGV[3])
local renewed = 0
for position = 4, #ARGV do
  local id = ARGV[position]
  local kept = call('GET', ARGV[2] .. id)
  if kept and sub(kept, 1, 1) == 'L' then
    call('PEXPIRE', ARGV[2] .. id, lease + OPEN_MS)
    call('ZADD', KEYS[1], now + lease, id)
    for _, key in ipairs(cmsgpack.unpack(sub(kept, 2))[4]) do
      call('ZADD', key, now + lease, id)
      call('PEXPIRE', key, lease + LEASES_MS)
    end
    renewed = renewed + 1
  end
end
return renewed
