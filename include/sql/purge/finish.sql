-- Call documents purged whose bytes are all verified gone; only their tombstones stay.
--   document_ids  bigint[]
--   now           timestamptz
-- Returns document_id of each and rule: name@version that trashed it, or NULL.
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
RETURNING
    document.id AS document_id,
    (
        SELECT entry.rule
        FROM audit_entries AS entry
        WHERE entry.document_id = document.id AND entry.action = 'document.trashed'
        ORDER BY entry.id DESC
        LIMIT 1
    ) AS rule;
