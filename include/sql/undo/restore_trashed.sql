-- Take documents out of the trash, back to where they were, with a reprieve, event and audit entry.
--   organization_id  bigint
--   plan_id          bigint     only what this plan trashed, as far as it was not restored and
--                               trashed again since; NULL to restore the given documents
--   document_ids     bigint[]
--   reprieve_until   date
--   today            date
--   now              timestamptz
--   actor            text
--   reason           text
-- Returns document_id of each that was restored.
WITH trashed AS MATERIALIZED (
    SELECT document.id
    FROM documents AS document
    WHERE
        document.id = ANY(%(document_ids)s::bigint [])
        AND document.organization_id = %(organization_id)s
        AND document.status = 'deleted'
        AND (
            %(plan_id)s::bigint IS NULL
            OR EXISTS (
                SELECT
                FROM plan_items AS item
                WHERE
                    item.plan_id = %(plan_id)s
                    AND item.document_id = document.id
                    AND item.action = 'DELETE'
                    AND item.state = 'done'
                    AND item.finished_at = document.deleted_at
            )
        )
    ORDER BY document.id
    FOR NO KEY UPDATE
),

restored AS (
    UPDATE documents AS document
    SET
        status = document.status_before,
        status_before = NULL,
        deleted_at = NULL,
        purge_after = NULL,
        reprieve_until = greatest(document.reprieve_until, %(reprieve_until)s::date)
    FROM trashed
    WHERE document.id = trashed.id
    RETURNING document.id
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor, plan_id
    )
    SELECT
        %(organization_id)s,
        'document.restored',
        restored.id,
        %(today)s,
        %(now)s,
        %(actor)s,
        %(plan_id)s
    FROM restored
),

audited AS (
    INSERT INTO audit_entries (
        organization_id, at, actor, action, document_id, plan_id, reason, details
    )
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        'document.restored',
        restored.id,
        %(plan_id)s,
        %(reason)s,
        jsonb_build_object('reprieve_until', %(reprieve_until)s::date)
    FROM restored
)

SELECT id AS document_id
FROM restored;
