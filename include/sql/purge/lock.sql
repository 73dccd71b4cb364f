-- Lock documents whose purge is to be finished, in one order for everybody and before their bytes.
--   document_ids  bigint[]
SELECT id
FROM documents
WHERE id = ANY(%(document_ids)s::bigint [])
ORDER BY id
FOR NO KEY UPDATE;
