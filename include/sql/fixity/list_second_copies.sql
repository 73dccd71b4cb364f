-- Where else the bytes of documents lie that stand on damaged ones: the original beside an archived
-- copy, or the copy beside the original.
--   object_ids  bigint[]  the damaged ones
SELECT DISTINCT
    other.id AS object_id,
    other.store_id,
    other.uri,
    other.size_bytes,
    other.sha256,
    other.etag,
    other.version_id,
    coalesce(other.fixity_by IN ('provider', 'nobody'), false) AS is_cold,
    other.fixity_checked_at AS looked_at
FROM documents AS document
INNER JOIN stored_objects AS other
    ON other.id IN (document.stored_object_id, document.archived_object_id)
WHERE
    (
        document.stored_object_id = ANY(%(object_ids)s::bigint [])
        OR document.archived_object_id = ANY(%(object_ids)s::bigint [])
    )
    AND other.id <> ALL(%(object_ids)s::bigint [])
    AND other.removed_at IS NULL
    AND other.removing_since IS NULL
ORDER BY other.id;
