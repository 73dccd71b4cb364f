-- Let the documents of a judged batch be archived, now that their copies are sealed and registered,
-- with item, event and audit entry each.
--   plan_id, action_index, shard
--   organization_id   bigint
--   now               timestamptz
--   today             date
--   original_grace    text       how long the original stays, an ISO 8601 period; NULL keeps it
--   bag_id            bigint
--   uris              jsonb      {document id: uri of its copy}
--   actor, rule       text
-- Returns how many there were.
WITH archived AS (
    UPDATE documents AS document
    SET
        status = 'archived',
        archived_at = %(now)s,
        archived_object_id = object.id,
        original_until = (%(today)s::date + %(original_grace)s::interval)::date
    FROM pg_temp.verdicts AS verdict, stored_objects AS object
    WHERE
        document.id = verdict.document_id
        AND verdict.verdict = 'go'
        AND object.uri = %(uris)s::jsonb ->> verdict.document_id::text
    RETURNING document.id, verdict.reason
),

done AS (
    UPDATE plan_items AS item
    SET state = 'done', finished_at = %(now)s
    FROM archived
    WHERE
        item.plan_id = %(plan_id)s
        AND item.action_index = %(action_index)s
        AND item.shard = %(shard)s
        AND item.document_id = archived.id
        AND item.state = 'planned'
    RETURNING item.size_bytes
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor, plan_id
    )
    SELECT
        %(organization_id)s,
        'document.archived',
        archived.id,
        %(today)s,
        %(now)s,
        %(actor)s,
        %(plan_id)s
    FROM archived
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
        'document.archived',
        archived.id,
        %(plan_id)s,
        archived.reason,
        jsonb_build_object('bag_id', %(bag_id)s::bigint)
    FROM archived
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
