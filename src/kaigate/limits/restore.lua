-- KEYS  budgets
-- ARGV  now or '', then per budget: nano-dollars, end
-- Decimal texts without leading zeros compare by length first, then as texts.
local now = clock(ARGV[1])
for position, key in ipairs(KEYS) do
  local known, ends = ARGV[position * 2], tonumber(ARGV[position * 2 + 1])
  local spent = call('HGET', key, 's') or '0'
  if ends + GRACE_MS > now and (#known > #spent or (#known == #spent and known > spent)) then
    call('HSET', key, 's', known)
    call('PEXPIRE', key, math.max(ends - now, 0) + GRACE_MS)
  end
end
return #KEYS
