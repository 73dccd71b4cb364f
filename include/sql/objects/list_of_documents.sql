-- The bytes of documents: originals and archived copies that are not removed yet.
--   document_ids  bigint[]
--   with_copies   boolean   false for the originals alone
-- Returns per document and object also whether anybody else needs it: more references are counted than
-- these documents give up, and others whose destruction has begun. Two that share bytes and go at the
-- same moment would else each leave them to the other.
SELECT
    document.id AS document_id,
    object.id AS object_id,
    object.uri,
    object.size_bytes,
    object.sha256,
    object.etag,
    object.version_id,
    object.bag_id,
    object.reference_count > (
        SELECT count(*)
        FROM documents AS given
        WHERE
            given.id = ANY(%(document_ids)s::bigint [])
            AND (
                given.stored_object_id = object.id
                OR (%(with_copies)s AND given.archived_object_id = object.id)
            )
    ) + (
        SELECT count(*)
        FROM documents AS leaving
        WHERE
            leaving.stored_object_id = object.id
            AND leaving.status = 'purging'
            AND leaving.id <> ALL(%(document_ids)s::bigint [])
    ) AS is_needed_by_others,
    object.removing_since IS NOT NULL AS is_condemned
FROM documents AS document
INNER JOIN stored_objects AS object
    ON
        document.stored_object_id = object.id
        OR (%(with_copies)s AND document.archived_object_id = object.id)
WHERE document.id = ANY(%(document_ids)s::bigint []) AND object.removed_at IS NULL
ORDER BY document.id, object.id;
