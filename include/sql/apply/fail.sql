-- Close items that could not be done, each with its reason; the others go on.
--   plan_id, action_index, shard
--   now       timestamptz
--   failures  jsonb        list of {document_id, code, reason}
-- Returns how many there were.
WITH failed AS (
    UPDATE plan_items AS item
    SET
        state = 'failed',
        reason_code = failure.code,
        reason = failure.reason,
        finished_at = %(now)s,
        bag_id = NULL
    FROM jsonb_to_recordset(%(failures)s) AS failure (document_id bigint, code text, reason text)
    WHERE
        item.plan_id = %(plan_id)s
        AND item.action_index = %(action_index)s
        AND item.document_id = failure.document_id
        AND item.state = 'planned'
    RETURNING item.document_id
),

counted AS (
    SELECT count(*) AS failed FROM failed
),

progressed AS (
    UPDATE plan_shards
    SET failed_count = plan_shards.failed_count + counted.failed, progressed_at = %(now)s
    FROM counted
    WHERE
        plan_shards.plan_id = %(plan_id)s
        AND plan_shards.action_index = %(action_index)s
        AND plan_shards.shard = %(shard)s
        AND counted.failed > 0
)

SELECT failed
FROM counted;
