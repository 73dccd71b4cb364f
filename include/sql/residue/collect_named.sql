-- Find the stored messages that name documents to be swept: each store of messages is read once,
-- however many documents there are.
INSERT INTO pg_temp.named (document_id, job_id, place, kind, is_digest)
SELECT
    swept.document_id,
    message.id,
    message.place,
    message.kind,
    message.is_digest
FROM (
    SELECT
        job.id,
        'jobs' AS place,
        job.kind,
        documents_of_payload(job.payload::jsonb) AS document_ids,
        strpos(job.payload, '"document_ids"') > 0 AS is_digest
    FROM jobs AS job
    UNION ALL
    SELECT
        failed.id,
        'failed' AS place,
        failed.kind,
        documents_of_payload(failed.payload::jsonb) AS document_ids,
        strpos(failed.payload, '"document_ids"') > 0 AS is_digest
    FROM jobs_failed AS failed
    UNION ALL
    SELECT
        done.id,
        'history' AS place,
        done.kind,
        documents_of_payload(done.payload::jsonb) AS document_ids,
        FALSE AS is_digest
    FROM job_history AS done
    WHERE done.payload IS NOT NULL
) AS message
CROSS JOIN LATERAL unnest(message.document_ids) AS given (document_id)
INNER JOIN purged_documents_to_sweep AS swept ON given.document_id = swept.document_id;
