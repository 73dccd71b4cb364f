-- The documents of a batch to which it would be done, of what was noted in this transaction.
SELECT outcome.document_id
FROM pg_temp.batch_outcomes AS outcome
WHERE outcome.code IS NULL
ORDER BY outcome.document_id;
