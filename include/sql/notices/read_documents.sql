-- What messages say about documents, and what may decide who gets them.
--   document_ids  bigint[]
-- Returns one row per document, by id.
SELECT
    id,
    external_id,
    title,
    document_type,
    owner,
    tags,
    metadata,
    media_type,
    size_bytes,
    status,
    created_on,
    modified_on,
    last_accessed_on,
    expires_on
FROM documents
WHERE id = ANY(%(document_ids)s::bigint [])
ORDER BY id;
