-- Close the items of a judged batch according to what became of their messages.
--   plan_id, action_index, shard
--   outcomes  jsonb        objects: document_id, state (done, skipped, failed), reason_code, reason;
--                          reason NULL keeps the item's own
--   now       timestamptz
-- Returns done, skipped, failed.
WITH outcome AS MATERIALIZED (
    SELECT given.*
    FROM jsonb_to_recordset(%(outcomes)s) AS given (
        document_id bigint, state text, reason_code text, reason text
    )
),

closed AS (
    UPDATE plan_items AS item
    SET
        state = outcome.state,
        reason_code = coalesce(outcome.reason_code, item.reason_code),
        reason = coalesce(outcome.reason, item.reason),
        finished_at = %(now)s
    FROM outcome
    WHERE
        item.plan_id = %(plan_id)s
        AND item.action_index = %(action_index)s
        AND item.document_id = outcome.document_id
        AND item.state = 'planned'
    RETURNING item.state, item.size_bytes
),

counted AS (
    SELECT
        count(*) FILTER (WHERE state = 'done') AS done,
        count(*) FILTER (WHERE state = 'skipped') AS skipped,
        count(*) FILTER (WHERE state = 'failed') AS failed,
        coalesce(sum(size_bytes) FILTER (WHERE state = 'done'), 0) AS bytes
    FROM closed
),

progressed AS (
    UPDATE plan_shards
    SET
        done_count = plan_shards.done_count + counted.done,
        skipped_count = plan_shards.skipped_count + counted.skipped,
        failed_count = plan_shards.failed_count + counted.failed,
        done_bytes = plan_shards.done_bytes + counted.bytes,
        progressed_at = %(now)s
    FROM counted
    WHERE
        plan_shards.plan_id = %(plan_id)s
        AND plan_shards.action_index = %(action_index)s
        AND plan_shards.shard = %(shard)s
)

SELECT
    done,
    skipped,
    failed
FROM counted;
