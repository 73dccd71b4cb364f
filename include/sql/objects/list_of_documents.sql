-- The bytes of documents: originals and archived copies that are not removed yet.
--   document_ids  bigint[]
--   with_copies   boolean   false for the originals alone
-- Returns per document and object also whether another document, outside this list, still needs it.
SELECT
    document.id AS document_id,
    object.id AS object_id,
    object.uri,
    object.size_bytes,
    object.sha256,
    object.etag,
    object.version_id,
    object.bag_id,
    (
        SELECT count(*) > 0
        FROM documents AS other
        WHERE
            other.stored_object_id = object.id
            AND other.status NOT IN ('purging', 'purged')
            AND other.id <> ALL(%(document_ids)s::bigint [])
    ) AS is_needed_by_others,
    object.removing_since IS NOT NULL AS is_condemned
FROM documents AS document
INNER JOIN stored_objects AS object
    ON
        document.stored_object_id = object.id
        OR (%(with_copies)s AND document.archived_object_id = object.id)
WHERE document.id = ANY(%(document_ids)s::bigint []) AND object.removed_at IS NULL
ORDER BY document.id, object.id;
