-- Look again at documents that changed behind the watermark: registered late, given another date,
-- restored, or free of their last hold. Those whose date has passed are stamped, with event and audit
-- entry each; all are done with. Their rows are locked before, in a statement of its own.
--   organization_id  bigint
--   document_ids     bigint[]
--   today            date
--   now              timestamptz
--   actor            text
-- Returns how many were stamped.
WITH done AS (
    DELETE FROM documents_to_check
    WHERE document_id = ANY(%(document_ids)s::bigint [])
),

due AS MATERIALIZED (
    SELECT
        document.id,
        document.expires_on,
        document.is_baseline
    FROM documents AS document
    WHERE
        document.id = ANY(%(document_ids)s::bigint [])
        AND document.expires_on < %(today)s
        AND document.status IN ('active', 'archived')
        AND document.expired_at IS NULL
),

stamped AS (
    UPDATE documents AS document
    SET expired_at = %(now)s
    FROM due
    WHERE document.id = due.id
    RETURNING document.id, due.expires_on, due.is_baseline
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor
    )
    SELECT
        %(organization_id)s,
        'document.expired',
        stamped.id,
        %(today)s,
        %(now)s,
        %(actor)s
    FROM stamped
    WHERE NOT stamped.is_baseline
),

audited AS (
    INSERT INTO audit_entries (organization_id, at, actor, action, document_id, reason)
    SELECT
        %(organization_id)s,
        %(now)s,
        %(actor)s,
        'document.expired',
        stamped.id,
        'expired on ' || stamped.expires_on
    FROM stamped
)

SELECT count(*) AS stamped
FROM stamped;
