-- Call documents purged whose bytes are all verified gone, keep their tombstones only, and finish
-- their items, with event and audit entry each.
--   plan_id, action_index, shard
--   organization_id  bigint
--   document_ids     bigint[]
--   now              timestamptz
--   today            date
--   actor            text
-- Returns how many there were.
WITH purged AS (
    UPDATE documents AS document
    SET
        status = 'purged',
        status_before = NULL,
        purged_at = %(now)s,
        title = NULL,
        owner = NULL,
        tags = NULL,
        metadata = '{}',
        stored_object_id = NULL,
        archived_object_id = NULL,
        original_uri = NULL
    WHERE
        document.id = ANY(%(document_ids)s::bigint [])
        AND document.status = 'purging'
        AND NOT EXISTS (
            SELECT
            FROM stored_objects AS object
            WHERE
                object.id IN (document.stored_object_id, document.archived_object_id)
                AND object.removing_since IS NOT NULL
                AND object.removed_at IS NULL
        )
    RETURNING document.id
),

done AS (
    UPDATE plan_items AS item
    SET state = 'done', finished_at = %(now)s
    FROM purged
    WHERE
        item.plan_id = %(plan_id)s
        AND item.action_index = %(action_index)s
        AND item.shard = %(shard)s
        AND item.document_id = purged.id
        AND item.state = 'planned'
    RETURNING item.document_id, item.size_bytes, item.reason
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor, plan_id
    )
    SELECT
        %(organization_id)s,
        'document.purged',
        purged.id,
        %(today)s,
        %(now)s,
        %(actor)s,
        %(plan_id)s
    FROM purged
),

audited AS (
    INSERT INTO audit_entries (
        organization_id, at, actor, action, document_id, plan_id, reason
    )
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        'document.purged',
        done.document_id,
        %(plan_id)s,
        done.reason
    FROM done
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
