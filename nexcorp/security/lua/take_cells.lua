-- Take cells of a rate limit (GCRA), give unused ones back, or both; atomic, on the clock of Redis.
-- KEYS[1]: its theoretical arrival time, in microseconds.
-- ARGV: step (microseconds a cell), limit (cells of a full bucket), wanted now, slice (cells in advance while
--   more than half is left), given back, level (microseconds) below which the bucket cannot be.
-- Returns {granted, level in microseconds}: all whole numbers, so that nothing is lost in rounding.
local step, limit, wanted, slice = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local capacity = step * limit
local level = tonumber(redis.call('GET', KEYS[1]) or now) - now
-- What this node itself has let in within the last moments counts, even if Redis was restarted since.
level = math.max(level - tonumber(ARGV[5]) * step, tonumber(ARGV[6]), 0)
local granted = wanted
if wanted > 0 and wanted < slice and (level + slice * step) * 2 <= capacity then
  granted = slice
end
granted = math.max(0, math.min(granted, math.floor((capacity - level) / step)))
level = level + granted * step
if level > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', now + level), 'PX', math.ceil(level / 1000) + 1)
else
  redis.call('DEL', KEYS[1])
end
return {granted, level}
