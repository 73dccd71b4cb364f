-- Lock the next documents that changed behind the watermark. Whoever changes such a document has its
-- row locked before it queues it, so that after this statement everything queued of these documents
-- is also visible as it was meant.
--   organization_id  bigint
--   size             integer
-- Returns document_id bigint.
SELECT document.id AS document_id
FROM documents AS document
WHERE
    document.id IN (
        SELECT queued.document_id
        FROM documents_to_check AS queued
        WHERE queued.organization_id = %(organization_id)s
        ORDER BY queued.document_id
        LIMIT %(size)s
    )
ORDER BY document.id
FOR NO KEY UPDATE;
