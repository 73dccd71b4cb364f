-- Where the bytes of a document are now: the original, else the archived copy.
--   organization_id  bigint
--   document_id      bigint
-- Returns no row when there are none any more, or none yet.
SELECT
    object.uri,
    object.version_id,
    object.size_bytes,
    object.sha256,
    document.media_type,
    document.external_id
FROM documents AS document
INNER JOIN stored_objects AS object
    ON object.id IN (document.stored_object_id, document.archived_object_id)
WHERE
    document.organization_id = %(organization_id)s
    AND document.id = %(document_id)s
    AND document.status NOT IN ('purging', 'purged')
    AND object.removed_at IS NULL
    AND object.removing_since IS NULL
ORDER BY object.id = document.stored_object_id DESC
LIMIT 1;
