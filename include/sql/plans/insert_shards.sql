-- Write down the shards of new plans; workers take these, and they are never recut.
--   plan_ids  bigint[]
INSERT INTO plan_shards (plan_id, action_index, shard, action, item_count, total_bytes)
SELECT
    plan_id,
    action_index,
    shard,
    action,
    count(*),
    sum(size_bytes)
FROM plan_items
WHERE plan_id = ANY(%(plan_ids)s::bigint []) AND state = 'planned'
GROUP BY plan_id, action_index, shard, action;
