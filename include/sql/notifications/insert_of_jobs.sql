-- Show what jobs of kind notification say; a job's second attempt shows nothing twice.
--   job_ids     bigint[]
--   recipients, titles, bodies  text[]
INSERT INTO notifications (
    organization_id, recipient, type, title, body, job_id, document_ids
)
SELECT
    job.organization_id,
    given.recipient,
    'message',
    given.title,
    given.body,
    given.job_id,
    documents_of_payload(job.payload::jsonb)
FROM unnest(
    %(job_ids)s::bigint [], %(recipients)s::text [], %(titles)s::text [], %(bodies)s::text []
) AS given (job_id, recipient, title, body)
INNER JOIN jobs AS job ON given.job_id = job.id
ON CONFLICT (job_id) DO NOTHING;
