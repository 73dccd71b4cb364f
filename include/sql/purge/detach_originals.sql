-- Let archived documents stand on their copy alone, now that their originals are gone.
--   document_ids  bigint[]
-- Returns document_id of each and rule: name@version that archived it, or NULL.
UPDATE documents AS document
SET stored_object_id = NULL, original_until = NULL, original_uri = object.uri
FROM stored_objects AS object
WHERE
    document.id = ANY(%(document_ids)s::bigint [])
    AND document.stored_object_id = object.id
RETURNING
    document.id AS document_id,
    (
        SELECT entry.rule
        FROM audit_entries AS entry
        WHERE entry.document_id = document.id AND entry.action = 'document.archived'
        ORDER BY entry.id DESC
        LIMIT 1
    ) AS rule;
