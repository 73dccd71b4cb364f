-- Jobs of one organization or all, unfinished and given up, the newest first.
--   organization  text     NULL for all
--   state         text     pending, processing, failed or cancelled; NULL for all of these
--   kind          text     NULL for all
--   endpoint      text     name of the endpoint that webhook calls go to; NULL for all
--   words         text     anywhere in what it carries, its error or its unique key; NULL for all
--   error         text     anywhere in its last error; NULL for all
--   before        bigint   only smaller ids, for the next page; NULL to begin
--   now           timestamptz
--   size          integer
WITH leased AS (
    SELECT unnest(batch.job_ids) AS job_id
    FROM job_batches AS batch
    INNER JOIN job_workers AS worker ON batch.worker_id = worker.id
    WHERE worker.leased_until > %(now)s
),

every_job AS (
    SELECT
        job.id,
        job.organization_id,
        job.endpoint_id,
        job.payload,
        job.unique_key,
        job.kind,
        CASE WHEN leased.job_id IS NULL THEN 'pending' ELSE 'processing' END AS state,
        job.attempts,
        job.max_attempts,
        job.run_at,
        job.last_error,
        job.requested_by,
        job.plan_id,
        job.created_at,
        NULL::timestamptz AS finished_at
    FROM jobs AS job
    LEFT JOIN leased ON job.id = leased.job_id
    UNION ALL
    SELECT
        job.id,
        job.organization_id,
        job.endpoint_id,
        job.payload,
        job.unique_key,
        job.kind,
        job.state,
        job.attempts,
        job.max_attempts,
        NULL::timestamptz AS run_at,
        job.last_error,
        job.requested_by,
        job.plan_id,
        job.created_at,
        job.finished_at
    FROM jobs_failed AS job
)

SELECT
    every_job.id AS job_id,
    organization.slug AS organization,
    every_job.kind,
    coalesce(
        endpoint.name,
        CASE every_job.kind WHEN 'webhook' THEN every_job.payload::jsonb ->> 'endpoint' END
    ) AS endpoint,
    every_job.state,
    every_job.attempts,
    every_job.max_attempts,
    every_job.run_at,
    every_job.last_error,
    every_job.requested_by,
    every_job.plan_id,
    every_job.created_at,
    every_job.finished_at
FROM every_job
INNER JOIN organizations AS organization ON every_job.organization_id = organization.id
LEFT JOIN webhook_endpoints AS endpoint ON every_job.endpoint_id = endpoint.id
WHERE
    (%(organization)s::text IS NULL OR organization.slug = %(organization)s)
    AND (%(state)s::text IS NULL OR every_job.state = %(state)s)
    AND (%(kind)s::text IS NULL OR every_job.kind = %(kind)s)
    AND (
        %(endpoint)s::text IS NULL
        OR (
            every_job.kind = 'webhook'
            AND coalesce(endpoint.name, every_job.payload::jsonb ->> 'endpoint') = %(endpoint)s
        )
    )
    AND (
        %(words)s::text IS NULL
        OR strpos(
            lower(concat_ws(' ', every_job.payload, every_job.last_error, every_job.unique_key)),
            lower(%(words)s)
        ) > 0
    )
    AND (%(error)s::text IS NULL OR strpos(lower(every_job.last_error), lower(%(error)s)) > 0)
    AND (%(before)s::bigint IS NULL OR every_job.id < %(before)s)
ORDER BY every_job.id DESC
LIMIT %(size)s;
