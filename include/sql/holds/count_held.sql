-- How many of some documents are held by any matter.
--   document_ids  bigint[]
SELECT count(*)
FROM documents
WHERE id = ANY(%(document_ids)s::bigint []) AND hold_count > 0;
