-- Cancel all jobs of an organization that are described and that nobody has begun to send.
--   organization  text
--   job_ids       bigint[]  NULL for all that the rest describes
--   kind          text      NULL for all
--   endpoint      text      name of the endpoint that webhook calls go to; NULL for all
--   words         text      anywhere in what it carries, its last error or its key; NULL for all
--   error         text      anywhere in its last error; NULL for all
--   reason        text
--   size          integer   at most so many, the oldest first
-- Returns their ids.
WITH chosen AS MATERIALIZED (
    SELECT job.id
    FROM jobs AS job
    INNER JOIN organizations AS organization ON job.organization_id = organization.id
    LEFT JOIN webhook_endpoints AS endpoint ON job.endpoint_id = endpoint.id
    WHERE
        organization.slug = %(organization)s
        AND (%(job_ids)s::bigint [] IS NULL OR job.id = ANY(%(job_ids)s))
        AND is_described_job(
            job.kind, job.payload, job.last_error, job.unique_key, endpoint.name,
            %(kind)s, %(endpoint)s, %(words)s, %(error)s
        )
    ORDER BY job.id
    LIMIT %(size)s
)

SELECT chosen.id
FROM chosen
WHERE cancel_job(chosen.id, %(reason)s);
