-- The documents that a sweep has still to do.
--   size  integer
SELECT document_id
FROM purged_documents_to_sweep
ORDER BY purged_at, document_id
LIMIT %(size)s;
