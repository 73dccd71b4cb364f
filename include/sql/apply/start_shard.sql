-- Note when work on a shard began; a continued shard keeps its first time.
--   plan_id, action_index, shard
--   now  timestamptz
UPDATE plan_shards
SET started_at = coalesce(started_at, %(now)s)
WHERE plan_id = %(plan_id)s AND action_index = %(action_index)s AND shard = %(shard)s;
