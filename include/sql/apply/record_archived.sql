-- Let the cleared documents of a judged batch be archived, now that their copies are sealed and
-- registered.
--   now             timestamptz
--   today           date
--   original_grace  text       how long the original stays, an ISO 8601 period; NULL keeps it
--   uris            jsonb      {document id: uri of its copy}
-- Returns document_id of each.
UPDATE documents AS document
SET
    status = 'archived',
    archived_at = %(now)s,
    archived_object_id = object.id,
    original_until = (%(today)s::date + %(original_grace)s::interval)::date
FROM pg_temp.verdicts AS verdict, stored_objects AS object
WHERE
    document.id = verdict.document_id
    AND verdict.verdict = 'go'
    AND object.uri = %(uris)s::jsonb ->> verdict.document_id::text
RETURNING document.id AS document_id;
