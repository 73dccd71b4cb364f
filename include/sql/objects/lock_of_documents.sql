-- Lock the bytes of documents, so that nobody refers to them anew before it is settled what happens
-- to them (a new reference writes the same row).
--   document_ids  bigint[]
SELECT object.id
FROM stored_objects AS object
WHERE
    object.id IN (
        SELECT document.stored_object_id FROM documents AS document
        WHERE document.id = ANY(%(document_ids)s::bigint [])
        UNION
        SELECT document.archived_object_id FROM documents AS document
        WHERE document.id = ANY(%(document_ids)s::bigint [])
    )
ORDER BY object.id
FOR NO KEY UPDATE;
