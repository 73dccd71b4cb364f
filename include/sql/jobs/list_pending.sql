-- The jobs that wait and that nobody has taken, in the order of their turn.
--   organization  text  NULL for all
--   kind          text  NULL for all
--   size          integer
SELECT
    job.id AS job_id,
    organization.slug AS organization,
    job.kind,
    job.priority,
    job.run_at,
    job.attempts,
    job.max_attempts,
    job.last_error,
    job.created_at
FROM jobs AS job
INNER JOIN organizations AS organization ON job.organization_id = organization.id
WHERE
    (%(organization)s::text IS NULL OR organization.slug = %(organization)s)
    AND (%(kind)s::text IS NULL OR job.kind = %(kind)s)
    AND job.id NOT IN (SELECT unnest(batch.job_ids) FROM job_batches AS batch)
ORDER BY job.priority, job.run_at, job.id
LIMIT %(size)s;
