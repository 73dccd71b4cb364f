-- Give up calls whose endpoint was removed while another transaction stored them: nobody would ever
-- send them. Tried again, they go to the endpoint that has the name then, or wait for one.
-- Returns how many.
WITH stray AS (
    DELETE FROM jobs AS job
    WHERE
        job.kind = 'webhook'
        AND job.endpoint_id IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM webhook_endpoints AS endpoint WHERE endpoint.id = job.endpoint_id
        )
        AND job.id NOT IN (SELECT unnest(batch.job_ids) FROM job_batches AS batch)
    RETURNING job.*
),

given_up AS (
    INSERT INTO jobs_failed (
        id, organization_id, kind, payload, priority, unique_key, attempts, max_attempts,
        timeout_seconds, last_error, requested_by, plan_id, created_at, state
    )
    SELECT
        stray.id,
        stray.organization_id,
        stray.kind,
        stray.payload,
        stray.priority,
        stray.unique_key,
        stray.attempts,
        stray.max_attempts,
        stray.timeout_seconds,
        'its endpoint was removed while this call was being stored',
        stray.requested_by,
        stray.plan_id,
        stray.created_at,
        'failed'
    FROM stray
    RETURNING id
)

SELECT count(*) AS calls
FROM given_up;
