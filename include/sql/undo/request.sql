-- Note that the bytes of archived documents were asked for, with reprieve, event and audit entry
-- each. One that waits already is left as it is.
--   organization_id  bigint
--   document_ids     bigint[]
--   plan_id          bigint     the plan that is being undone, or NULL
--   reprieve_until   date       nothing is to happen to them meanwhile; NULL: today
--   today            date
--   now              timestamptz
--   actor            text
--   reason           text
WITH requested AS (
    INSERT INTO restore_requests (
        document_id, organization_id, plan_id, requested_at, requested_by, reason
    )
    SELECT
        given.id,
        %(organization_id)s,
        %(plan_id)s,
        %(now)s,
        %(actor)s,
        %(reason)s
    FROM unnest(%(document_ids)s::bigint []) AS given (id)
    ON CONFLICT (document_id) DO NOTHING
    RETURNING document_id
),

reprieved AS (
    UPDATE documents AS document
    SET reprieve_until = greatest(
        document.reprieve_until, coalesce(%(reprieve_until)s::date, %(today)s::date)
    )
    FROM requested
    WHERE document.id = requested.document_id
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor, plan_id
    )
    SELECT
        %(organization_id)s,
        'document.restore_requested',
        requested.document_id,
        %(today)s,
        %(now)s,
        %(actor)s,
        %(plan_id)s
    FROM requested
)

INSERT INTO audit_entries (
    organization_id, at, actor, action, document_id, plan_id, reason
)
SELECT
    %(organization_id)s,
    %(now)s,
    %(actor)s,
    'document.restore_requested',
    requested.document_id,
    %(plan_id)s,
    %(reason)s || '; its bytes were asked for from a cold store'
FROM requested;
