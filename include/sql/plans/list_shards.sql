-- The shards of a plan that still have something to do.
--   plan_id  bigint
SELECT
    plan_id,
    action_index,
    shard,
    action
FROM plan_shards
WHERE
    plan_id = %(plan_id)s
    AND item_count > done_count + skipped_count + failed_count
ORDER BY action_index, shard;
