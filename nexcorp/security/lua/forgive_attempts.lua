-- Forget the failures before a good attempt.
-- KEYS[1]: as in reserve_attempt.lua.
return redis.call('DEL', KEYS[1])
