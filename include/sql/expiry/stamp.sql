-- Stamp the next documents whose expiry date has passed, with event and audit entry each. Held
-- documents are stamped too: a stamp destroys nothing.
--   organization_id  bigint
--   after_on         date         expiry dates from this day on, with after_id; the keyset cursor
--   after_id         bigint
--   today            date         expired means: expires_on is before this day
--   now              timestamptz
--   actor            text
--   size             integer      documents per batch
-- Returns the cursor of the last document (last_on, last_id; NULL when there was none), how many were
-- looked at and how many were stamped.
WITH due AS MATERIALIZED (
    SELECT
        id,
        expires_on,
        status IN ('active', 'archived') AND expired_at IS NULL AS is_to_stamp,
        is_baseline
    FROM documents
    WHERE
        organization_id = %(organization_id)s
        AND expires_on < %(today)s
        AND (expires_on, id) > (%(after_on)s::date, %(after_id)s::bigint)
    ORDER BY expires_on, id
    LIMIT %(size)s
    FOR NO KEY UPDATE
),

stamped AS (
    UPDATE documents AS document
    SET expired_at = %(now)s
    FROM due
    WHERE document.id = due.id AND due.is_to_stamp
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

last AS (
    SELECT
        expires_on,
        id
    FROM due
    ORDER BY expires_on DESC, id DESC
    LIMIT 1
)

SELECT
    (SELECT last.expires_on FROM last) AS last_on,
    (SELECT last.id FROM last) AS last_id,
    (SELECT count(*) FROM due) AS seen,
    (SELECT count(*) FROM stamped) AS stamped;
