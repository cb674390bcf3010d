-- Of two rows of a generation the later counts, so no two may be of the same moment, whatever the clocks do.
SELECT toUnixTimestamp64Milli(now64(3, 'UTC')), toUnixTimestamp64Milli(greatest(now64(3, 'UTC'), max(changed_at) + INTERVAL 1 MILLISECOND))
FROM generations
