-- Documents that share changed bytes with a document of the batch have changed too, whosever they
-- are: what was planned for them was planned for other bytes.
--   now     timestamptz
--   actor   text
--   source  text       what was imported
-- OFFSET 0, of which no order is asked (AM09): by an index per row, whatever young statistics say.
WITH sharing AS (
    SELECT
        document.id,
        object.uri,
        object.sha256,
        object.size_bytes
    FROM pg_temp.import_rows AS row
    CROSS JOIN LATERAL (
        SELECT stored.*
        FROM stored_objects AS stored
        WHERE stored.uri = row.uri
        OFFSET 0 -- noqa: AM09
    ) AS object
    CROSS JOIN LATERAL (
        SELECT sharer.id
        FROM documents AS sharer
        WHERE sharer.stored_object_id = object.id AND sharer.status = 'active'
        OFFSET 0 -- noqa: AM09
    ) AS document
    WHERE row.has_other_bytes AND row.outcome IN ('new', 'changed')
),

updated AS (
    UPDATE documents AS document
    SET
        size_bytes = sharing.size_bytes,
        version = document.version + 1
    FROM sharing
    WHERE
        document.id = sharing.id
        AND document.id NOT IN (
            SELECT row.document_id FROM pg_temp.import_rows AS row
            WHERE row.document_id IS NOT NULL
        )
    RETURNING document.id, document.organization_id, sharing.uri, sharing.sha256
)

INSERT INTO audit_entries (organization_id, at, actor, action, document_id, reason, details)
SELECT
    updated.organization_id,
    %(now)s,
    %(actor)s,
    'document.changed',
    updated.id,
    'other bytes, imported from ' || %(source)s || ' for another document at the same place',
    jsonb_build_object('uri', updated.uri, 'sha256', encode(updated.sha256, 'hex'))
FROM updated;
