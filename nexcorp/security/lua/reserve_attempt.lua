-- Reserve an attempt before it is checked: it counts as failed until it is forgiven. Atomic.
-- KEYS[1]: a hash of `count` (failures) and `free_at` (when the next may follow, in milliseconds).
-- ARGV: failures without a wait, first wait, longest wait, and how long failures are remembered, in milliseconds;
--   then what the node let in without Redis: its count of failures, and the milliseconds it would wait; 0 for nothing.
-- Returns {1, milliseconds the next one waits, count}, or {0, milliseconds to wait, count}.
local free, first, longest, memory = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local own_count, own_wait = tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('HMGET', KEYS[1], 'count', 'free_at')
local count = math.max(own_count, tonumber(known[1] or 0))
local free_at = math.max(now + own_wait, tonumber(known[2] or 0))

local function keep(wait)
  redis.call('HSET', KEYS[1], 'count', count, 'free_at', string.format('%.0f', now + wait))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', wait + memory))
end

if free_at > now then
  if own_wait > 0 then
    keep(free_at - now)
  end
  return {0, free_at - now, count}
end
count = count + 1
local wait = 0
if count >= free then
  wait = math.min(longest, first * 2 ^ math.min(count - free, 30))
end
keep(wait)
return {1, wait, count}
