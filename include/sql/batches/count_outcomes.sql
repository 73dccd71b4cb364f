-- What was noted of a batch, added up: one row per code, what would be done first.
-- Returns code (NULL: it would be done), documents, size_bytes.
SELECT
    outcome.code,
    count(*) AS documents,
    coalesce(sum(document.size_bytes), 0)::bigint AS size_bytes
FROM pg_temp.batch_outcomes AS outcome
INNER JOIN documents AS document ON outcome.document_id = document.id
GROUP BY outcome.code
ORDER BY outcome.code NULLS FIRST;
