-- Archived documents with their copies and what is known of their originals, locked.
--   organization_id  bigint
--   plan_id          bigint    only what this plan archived and nothing has happened to since; NULL
--                              for the given documents
--   document_ids     bigint[]
-- Returns document_id, the copy (uri, size_bytes, sha256, etag, version_id, bag_id), whether the
-- catalogue believes in an original that has the bytes of the copy, original_uri: where that is or
-- was, and original_etag, original_version_id.
SELECT
    document.id AS document_id,
    copy.uri,
    copy.size_bytes,
    copy.sha256,
    copy.etag,
    copy.version_id,
    copy.bag_id,
    coalesce(original.removing_since IS NULL AND original.removed_at IS NULL, FALSE)
    AND original.sha256 = copy.sha256 AS has_original,
    coalesce(original.uri, document.original_uri) AS original_uri,
    original.etag AS original_etag,
    original.version_id AS original_version_id
FROM documents AS document
INNER JOIN stored_objects AS copy ON document.archived_object_id = copy.id
LEFT JOIN stored_objects AS original ON document.stored_object_id = original.id
WHERE
    document.id = ANY(%(document_ids)s::bigint [])
    AND document.organization_id = %(organization_id)s
    AND document.status = 'archived'
    AND (
        %(plan_id)s::bigint IS NULL
        OR EXISTS (
            SELECT
            FROM plan_items AS item
            WHERE
                item.plan_id = %(plan_id)s
                AND item.document_id = document.id
                AND item.action = 'ARCHIVE'
                AND item.state = 'done'
                AND item.finished_at = document.archived_at
        )
    )
ORDER BY document.id
FOR NO KEY UPDATE OF document;
