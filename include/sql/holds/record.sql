-- Record for documents that they were held or released, with event and audit entry each.
--   organization_id  bigint
--   document_ids     bigint[]
--   action           text         document.held or document.released
--   today            date
--   now              timestamptz
--   actor, reason    text
WITH changed AS (
    SELECT unnest(%(document_ids)s::bigint []) AS document_id
),

announced AS (
    INSERT INTO events (
        organization_id, type, document_id, occurred_on, recorded_at, actor
    )
    SELECT
        %(organization_id)s,
        %(action)s,
        changed.document_id,
        %(today)s,
        %(now)s,
        %(actor)s
    FROM changed
)

INSERT INTO audit_entries (organization_id, at, actor, action, document_id, reason)
SELECT
    %(organization_id)s,
    %(now)s,
    %(actor)s,
    %(action)s,
    changed.document_id,
    %(reason)s
FROM changed;
