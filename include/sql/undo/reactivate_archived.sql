-- Let archived documents be active again on their original bytes, with a reprieve, event and audit
-- entry; their copies in the bags are left without a reference, to be taken out.
--   organization_id  bigint
--   document_ids     bigint[]  locked, archived, each with its original in place
--   plan_id          bigint    or NULL
--   reprieve_until   date
--   today            date
--   now              timestamptz
--   actor            text
--   reason           text
-- Returns document_id of each.
WITH reactivated AS (
    UPDATE documents AS document
    SET
        status = 'active',
        archived_at = NULL,
        archived_object_id = NULL,
        original_until = NULL,
        reprieve_until = greatest(document.reprieve_until, %(reprieve_until)s::date)
    WHERE
        document.id = ANY(%(document_ids)s::bigint [])
        AND document.organization_id = %(organization_id)s
        AND document.status = 'archived'
        AND document.stored_object_id IS NOT NULL
    RETURNING document.id
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor, plan_id
    )
    SELECT
        %(organization_id)s,
        'document.restored',
        reactivated.id,
        %(today)s,
        %(now)s,
        %(actor)s,
        %(plan_id)s
    FROM reactivated
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
        reactivated.id,
        %(plan_id)s,
        %(reason)s,
        jsonb_build_object('reprieve_until', %(reprieve_until)s::date)
    FROM reactivated
)

SELECT id AS document_id
FROM reactivated;
