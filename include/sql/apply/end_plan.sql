-- Close what is left of a plan that may not go on, with the reason, and count it on its shards.
--   plan_id  bigint
--   code     text         stale or superseded
--   reason   text
--   now      timestamptz
WITH closed AS (
    UPDATE plan_items
    SET state = 'skipped', reason_code = %(code)s, reason = %(reason)s, finished_at = %(now)s
    WHERE plan_id = %(plan_id)s AND state = 'planned'
    RETURNING action_index, shard
),

counted AS (
    SELECT
        action_index,
        shard,
        count(*) AS skipped
    FROM closed
    GROUP BY action_index, shard
)

UPDATE plan_shards
SET skipped_count = plan_shards.skipped_count + counted.skipped, progressed_at = %(now)s
FROM counted
WHERE
    plan_shards.plan_id = %(plan_id)s
    AND plan_shards.action_index = counted.action_index
    AND plan_shards.shard = counted.shard;
