-- Put the documents of a judged batch into the trash, with item, event and audit entry each: all of
-- it happens or nothing. The bytes stay where they are.
--   plan_id, action_index, shard
--   organization_id  bigint
--   now              timestamptz
--   today            date       the present day in the organization's zone
--   grace            text       how long the trash keeps them, an ISO 8601 period
--   actor            text
--   rule             text       name@version, or NULL
-- Returns how many there were.
WITH trashed AS (
    UPDATE documents AS document
    SET
        status = 'deleted',
        status_before = document.status,
        deleted_at = %(now)s,
        purge_after = (%(today)s::date + %(grace)s::interval)::date
    FROM pg_temp.verdicts AS verdict
    WHERE document.id = verdict.document_id AND verdict.verdict = 'go'
    RETURNING document.id, document.purge_after, verdict.reason
),

done AS (
    UPDATE plan_items AS item
    SET state = 'done', finished_at = %(now)s
    FROM trashed
    WHERE
        item.plan_id = %(plan_id)s
        AND item.action_index = %(action_index)s
        AND item.shard = %(shard)s
        AND item.document_id = trashed.id
        AND item.state = 'planned'
    RETURNING item.size_bytes
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor, plan_id
    )
    SELECT
        %(organization_id)s,
        'document.trashed',
        trashed.id,
        %(today)s,
        %(now)s,
        %(actor)s,
        %(plan_id)s
    FROM trashed
),

audited AS (
    INSERT INTO audit_entries (
        organization_id, at, actor, rule, action, document_id, plan_id, reason, details
    )
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        %(rule)s,
        'document.trashed',
        trashed.id,
        %(plan_id)s,
        trashed.reason,
        jsonb_build_object('purge_after', trashed.purge_after)
    FROM trashed
),

counted AS (
    SELECT
        count(*) AS done,
        coalesce(sum(size_bytes), 0) AS bytes
    FROM done
),

progressed AS (
    UPDATE plan_shards
    SET
        done_count = plan_shards.done_count + counted.done,
        done_bytes = plan_shards.done_bytes + counted.bytes,
        progressed_at = %(now)s
    FROM counted
    WHERE
        plan_shards.plan_id = %(plan_id)s
        AND plan_shards.action_index = %(action_index)s
        AND plan_shards.shard = %(shard)s
)

SELECT done
FROM counted;
