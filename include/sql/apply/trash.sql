-- Put the cleared documents of a judged batch into the trash. The bytes stay where they are.
--   now    timestamptz
--   today  date         the present day in the organization's zone
--   grace  text         how long the trash keeps them, an ISO 8601 period
-- Returns document_id and purge_after of each.
UPDATE documents AS document
SET
    status = 'deleted',
    status_before = document.status,
    deleted_at = %(now)s,
    purge_after = (%(today)s::date + %(grace)s::interval)::date
FROM pg_temp.verdicts AS verdict
WHERE document.id = verdict.document_id AND verdict.verdict = 'go'
RETURNING document.id AS document_id, document.purge_after;
