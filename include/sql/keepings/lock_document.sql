-- Be the only one to change a document until the transaction ends.
--   document_id  bigint
SELECT id
FROM documents
WHERE id = %(document_id)s
FOR NO KEY UPDATE;
