-- Close the items of a batch that something spoke against, with the reason.
--   plan_id, action_index, shard
--   now  timestamptz
-- Returns how many there were.
WITH skipped AS (
    UPDATE plan_items AS item
    SET
        state = 'skipped',
        reason_code = verdict.verdict,
        reason = verdict.reason,
        finished_at = %(now)s
    FROM pg_temp.verdicts AS verdict
    WHERE
        item.plan_id = %(plan_id)s
        AND item.action_index = %(action_index)s
        AND item.shard = %(shard)s
        AND item.document_id = verdict.document_id
        AND item.state = 'planned'
        AND verdict.verdict <> 'go'
    RETURNING item.document_id
),

counted AS (
    SELECT count(*) AS skipped FROM skipped
),

progressed AS (
    UPDATE plan_shards
    SET
        skipped_count = plan_shards.skipped_count + counted.skipped,
        progressed_at = %(now)s
    FROM counted
    WHERE
        plan_shards.plan_id = %(plan_id)s
        AND plan_shards.action_index = %(action_index)s
        AND plan_shards.shard = %(shard)s
        AND counted.skipped > 0
)

SELECT skipped
FROM counted;
