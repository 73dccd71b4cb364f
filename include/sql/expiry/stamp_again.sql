-- Look again at documents that changed behind the watermark: registered late, given another date,
-- restored, or free of their last hold. Those whose date has passed are stamped, with event and audit
-- entry each; all are done with.
--   organization_id  bigint
--   today            date
--   now              timestamptz
--   actor            text
--   size             integer
-- Returns how many were looked at and how many were stamped.
WITH taken AS MATERIALIZED (
    SELECT document_id
    FROM documents_to_check
    WHERE organization_id = %(organization_id)s
    ORDER BY document_id
    LIMIT %(size)s
    FOR UPDATE SKIP LOCKED
),

due AS MATERIALIZED (
    SELECT
        document.id,
        document.expires_on,
        document.is_baseline
    FROM documents AS document
    INNER JOIN taken ON document.id = taken.document_id
    WHERE
        document.expires_on < %(today)s
        AND document.status IN ('active', 'archived')
        AND document.expired_at IS NULL
    ORDER BY document.id
    FOR NO KEY UPDATE OF document
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
),

done AS (
    DELETE FROM documents_to_check
    USING taken
    WHERE documents_to_check.document_id = taken.document_id
)

SELECT
    (SELECT count(*) FROM taken) AS seen,
    (SELECT count(*) FROM stamped) AS stamped;
