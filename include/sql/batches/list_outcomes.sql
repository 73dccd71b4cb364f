-- A page of the documents of a batch and what it would come to for each, in the order of their ids.
--   after  bigint   the last document of the page before; 0 for the first page
--   codes  text[]   only those that would be left alone for these reasons; NULL for all
--   size   integer
SELECT
    outcome.document_id,
    document.external_id,
    document.title,
    document.status,
    document.size_bytes,
    outcome.code,
    outcome.reason,
    outcome.blocking_rule
FROM pg_temp.batch_outcomes AS outcome
INNER JOIN documents AS document ON outcome.document_id = document.id
WHERE
    outcome.document_id > %(after)s
    AND (%(codes)s::text [] IS NULL OR outcome.code = ANY(%(codes)s))
ORDER BY outcome.document_id
LIMIT %(size)s;
