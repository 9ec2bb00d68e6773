-- Take back a reserved attempt that came to no check at all.
-- KEYS[1]: as in reserve_attempt.lua.
local count = tonumber(redis.call('HGET', KEYS[1], 'count') or 0)
if count > 1 then
  redis.call('HSET', KEYS[1], 'count', count - 1, 'free_at', 0)
else
  redis.call('DEL', KEYS[1])
end
return 0
