-- Jobs of one organization or all, unfinished and given up, the newest first.
--   organization  text     NULL for all
--   state         text     pending, processing, failed or cancelled; NULL for all of these
--   kind          text     NULL for all
--   endpoint      text     name of the endpoint that webhook calls go to; NULL for all
--   words         text     anywhere in what it carries, its error or its unique key; NULL for all
--   error         text     anywhere in its last error; NULL for all
--   before        bigint   only smaller ids, for the next page; NULL to begin
--   down_to       bigint   only ids that are not smaller; NULL for no end
--   now           timestamptz
--   size          integer
-- Unfinished and given-up jobs are each read in the order of their ids and no further than a page.
WITH leased AS (
    SELECT unnest(batch.job_ids) AS job_id
    FROM job_batches AS batch
    INNER JOIN job_workers AS worker ON batch.worker_id = worker.id
    WHERE worker.leased_until > %(now)s
),

unfinished AS (
    SELECT
        job.id,
        job.organization_id,
        job.endpoint_id,
        job.payload,
        job.kind,
        CASE WHEN job.id IN (SELECT leased.job_id FROM leased) THEN 'processing' ELSE 'pending' END
            AS state,
        job.attempts,
        job.max_attempts,
        job.run_at,
        job.last_error,
        job.requested_by,
        job.plan_id,
        job.created_at,
        NULL::timestamptz AS finished_at
    FROM jobs AS job
    LEFT JOIN webhook_endpoints AS endpoint ON job.endpoint_id = endpoint.id
    WHERE
        coalesce(%(state)s::text, 'pending') IN ('pending', 'processing')
        AND (
            %(state)s::text IS NULL
            OR (%(state)s = 'processing') = (job.id IN (SELECT leased.job_id FROM leased))
        )
        AND (
            %(organization)s::text IS NULL
            OR job.organization_id = (SELECT id FROM organizations WHERE slug = %(organization)s)
        )
        AND is_described_job(
            job.kind, job.payload, job.last_error, job.unique_key, endpoint.name,
            %(kind)s, %(endpoint)s, %(words)s, %(error)s
        )
        AND (%(before)s::bigint IS NULL OR job.id < %(before)s)
        AND (%(down_to)s::bigint IS NULL OR job.id >= %(down_to)s)
    ORDER BY job.id DESC
    LIMIT %(size)s
),

given_up AS (
    SELECT
        job.id,
        job.organization_id,
        job.endpoint_id,
        job.payload,
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
    LEFT JOIN webhook_endpoints AS endpoint ON job.endpoint_id = endpoint.id
    WHERE
        (%(state)s::text IS NULL OR job.state = %(state)s)
        AND (
            %(organization)s::text IS NULL
            OR job.organization_id = (SELECT id FROM organizations WHERE slug = %(organization)s)
        )
        AND is_described_job(
            job.kind, job.payload, job.last_error, job.unique_key, endpoint.name,
            %(kind)s, %(endpoint)s, %(words)s, %(error)s
        )
        AND (%(before)s::bigint IS NULL OR job.id < %(before)s)
        AND (%(down_to)s::bigint IS NULL OR job.id >= %(down_to)s)
    ORDER BY job.id DESC
    LIMIT %(size)s
),

page AS (
    SELECT * FROM unfinished
    UNION ALL
    SELECT * FROM given_up
    ORDER BY id DESC
    LIMIT %(size)s
)

SELECT
    page.id AS job_id,
    organization.slug AS organization,
    page.kind,
    coalesce(
        endpoint.name, CASE page.kind WHEN 'webhook' THEN page.payload::jsonb ->> 'endpoint' END
    ) AS endpoint,
    page.state,
    page.attempts,
    page.max_attempts,
    page.run_at,
    page.last_error,
    page.requested_by,
    page.plan_id,
    page.created_at,
    page.finished_at
FROM page
INNER JOIN organizations AS organization ON page.organization_id = organization.id
LEFT JOIN webhook_endpoints AS endpoint ON page.endpoint_id = endpoint.id
ORDER BY page.id DESC;
