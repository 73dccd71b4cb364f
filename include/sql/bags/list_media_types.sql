-- Of which type the bytes of documents are, as far as anybody said.
--   document_ids  bigint[]
SELECT
    id AS document_id,
    media_type
FROM documents
WHERE id = ANY(%(document_ids)s::bigint []) AND media_type IS NOT NULL;
