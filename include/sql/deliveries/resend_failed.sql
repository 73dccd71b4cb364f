-- Send calls again that were given up or cancelled, from their first attempt on.
--   organization_id  bigint
--   job_ids          bigint[]     NULL for all that the rest describes
--   endpoint         text         name, or NULL for all
--   since, until     timestamptz  given up within, or NULL
--   states           text[]       failed, cancelled
-- Returns their ids.
WITH taken AS (
    DELETE FROM jobs_failed AS job
    USING webhook_endpoints AS endpoint
    WHERE
        job.endpoint_id = endpoint.id
        AND job.kind = 'webhook'
        AND job.organization_id = %(organization_id)s
        AND job.state = ANY(%(states)s::text [])
        AND (%(job_ids)s::bigint [] IS NULL OR job.id = ANY(%(job_ids)s))
        AND (%(endpoint)s::text IS NULL OR endpoint.name = %(endpoint)s)
        AND (%(since)s::timestamptz IS NULL OR job.finished_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR job.finished_at < %(until)s)
    RETURNING job.*
)

INSERT INTO jobs (
    id, organization_id, kind, payload, priority, unique_key, max_attempts, timeout_seconds,
    last_error, requested_by, plan_id, endpoint_id, created_at
)
OVERRIDING SYSTEM VALUE
SELECT
    taken.id,
    taken.organization_id,
    taken.kind,
    taken.payload,
    taken.priority,
    taken.unique_key,
    taken.max_attempts,
    taken.timeout_seconds,
    taken.last_error,
    taken.requested_by,
    taken.plan_id,
    taken.endpoint_id,
    taken.created_at
FROM taken
RETURNING id;
