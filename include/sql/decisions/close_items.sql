-- Close what a plan would still have done with documents, and count it on its shards.
--   plan_id       bigint
--   document_ids  bigint[]  NULL for all that is open
--   code          text         rejected, extended or held
--   reason        text
--   now           timestamptz
-- Returns how many documents there were.
WITH closed AS (
    UPDATE plan_items
    SET state = 'skipped', reason_code = %(code)s, reason = %(reason)s, finished_at = %(now)s
    WHERE
        plan_id = %(plan_id)s
        AND state = 'planned'
        AND (
            %(document_ids)s::bigint [] IS NULL
            OR document_id = ANY(%(document_ids)s::bigint [])
        )
    RETURNING document_id, action_index, shard
),

counted AS (
    SELECT
        action_index,
        shard,
        count(*) AS skipped
    FROM closed
    GROUP BY action_index, shard
),

progressed AS (
    UPDATE plan_shards
    SET skipped_count = plan_shards.skipped_count + counted.skipped, progressed_at = %(now)s
    FROM counted
    WHERE
        plan_shards.plan_id = %(plan_id)s
        AND plan_shards.action_index = counted.action_index
        AND plan_shards.shard = counted.shard
)

SELECT count(DISTINCT document_id) AS documents
FROM closed;
