-- Let failed and cancelled jobs be tried again from the first attempt on, under their own numbers.
-- A call whose endpoint was removed goes to the one that has its name now, or waits for one.
--   organization  text         NULL for all
--   job_ids       bigint[]     NULL for all that the rest describes
--   kind          text         NULL for all
--   without       text[]       none of these kinds
--   endpoint      text         name of the endpoint that webhook calls go to; NULL for all
--   words         text         anywhere in what it carries, its error or its key; NULL for all
--   error         text         anywhere in its last error; NULL for all
--   failed_since  timestamptz  NULL for all
--   states        text[]       failed, cancelled
--   size          integer      at most so many, the oldest first
-- Returns their ids.
WITH chosen AS MATERIALIZED (
    SELECT job.id
    FROM jobs_failed AS job
    INNER JOIN organizations AS organization ON job.organization_id = organization.id
    LEFT JOIN webhook_endpoints AS endpoint ON job.endpoint_id = endpoint.id
    WHERE
        (%(organization)s::text IS NULL OR organization.slug = %(organization)s)
        AND (%(job_ids)s::bigint [] IS NULL OR job.id = ANY(%(job_ids)s))
        AND is_described_job(
            job.kind, job.payload, job.last_error, job.unique_key, endpoint.name,
            %(kind)s, %(endpoint)s, %(words)s, %(error)s
        )
        AND job.kind <> ALL(%(without)s)
        AND (%(failed_since)s::timestamptz IS NULL OR job.finished_at >= %(failed_since)s)
        AND job.state = ANY(%(states)s)
    ORDER BY job.id
    LIMIT %(size)s
    FOR UPDATE OF job
),

taken AS (
    DELETE FROM jobs_failed AS job
    USING chosen
    WHERE job.id = chosen.id
    RETURNING job.*
)

INSERT INTO jobs (
    id, organization_id, kind, payload, priority, run_at, unique_key, attempts, max_attempts,
    timeout_seconds, last_error, requested_by, plan_id, endpoint_id, created_at
)
OVERRIDING SYSTEM VALUE
SELECT
    taken.id,
    taken.organization_id,
    taken.kind,
    taken.payload,
    taken.priority,
    now(),
    taken.unique_key,
    0,
    taken.max_attempts,
    taken.timeout_seconds,
    taken.last_error,
    taken.requested_by,
    taken.plan_id,
    (
        SELECT endpoint.id
        FROM webhook_endpoints AS endpoint
        WHERE
            taken.kind = 'webhook'
            AND endpoint.organization_id = taken.organization_id
            AND (
                endpoint.id = taken.endpoint_id
                OR endpoint.name = taken.payload::jsonb ->> 'endpoint'
            )
        ORDER BY endpoint.id = taken.endpoint_id DESC NULLS LAST
        LIMIT 1
    ),
    taken.created_at
FROM taken
RETURNING id;
