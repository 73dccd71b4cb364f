-- Take away what dead workers leased: what they had begun to send counts as an attempt of which
-- nothing is known, the rest was not tried. A worker that has given a sign of life since is no
-- longer meant, and one that comes back later finds its lease gone.
--   worker_ids  bigint[]
--   beats       bigint[]  as they were counted when each was found dead
-- Returns job_id, state (pending or failed) of what may have been sent.
WITH dead AS MATERIALIZED (
    SELECT worker.id
    FROM job_workers AS worker
    INNER JOIN unnest(%(worker_ids)s::bigint [], %(beats)s::bigint []) AS seen (id, beats)
        ON worker.id = seen.id AND worker.beats = seen.beats
    ORDER BY worker.id
    FOR UPDATE OF worker
),

freed AS (
    DELETE FROM job_batches
    WHERE worker_id IN (SELECT dead.id FROM dead)
    RETURNING job_ids, claimed_at, begun_at
),

out AS MATERIALIZED (
    SELECT
        each.job_id,
        freed.claimed_at
    FROM freed
    CROSS JOIN LATERAL unnest(freed.job_ids) AS each (job_id)
    WHERE freed.begun_at IS NOT NULL
),

-- What was recorded for another attempt already has a later turn than its claim.
ended AS (
    DELETE FROM jobs AS job
    USING out
    WHERE
        job.id = out.job_id
        AND job.run_at <= out.claimed_at
        AND job.attempts + 1 >= job.max_attempts
    RETURNING job.*
),

again AS (
    UPDATE jobs AS job
    SET
        attempts = job.attempts + 1,
        last_error = 'whoever sent it stopped answering; whether it was sent is not known'
    FROM out
    WHERE
        job.id = out.job_id
        AND job.run_at <= out.claimed_at
        AND job.attempts + 1 < job.max_attempts
    RETURNING job.id, job.organization_id, job.kind, job.endpoint_id, job.attempts
),

given_up AS (
    INSERT INTO jobs_failed (
        id, organization_id, kind, payload, priority, unique_key, attempts, max_attempts,
        timeout_seconds, last_error, requested_by, plan_id, endpoint_id, created_at, state
    )
    SELECT
        ended.id,
        ended.organization_id,
        ended.kind,
        ended.payload,
        ended.priority,
        ended.unique_key,
        ended.attempts + 1,
        ended.max_attempts,
        ended.timeout_seconds,
        'whoever sent it stopped answering; whether it was sent is not known',
        ended.requested_by,
        ended.plan_id,
        ended.endpoint_id,
        ended.created_at,
        'failed'
    FROM ended
),

counting AS (
    SELECT
        ended.id,
        ended.organization_id,
        ended.kind,
        ended.endpoint_id,
        ended.attempts + 1 AS attempt,
        'failed' AS state
    FROM ended
    UNION ALL
    SELECT
        again.id,
        again.organization_id,
        again.kind,
        again.endpoint_id,
        again.attempts,
        'pending' AS state
    FROM again
),

attempted AS (
    INSERT INTO delivery_attempts (
        job_id, attempt, organization_id, kind, endpoint_id, outcome, error, attempted_at
    )
    SELECT
        counting.id,
        counting.attempt,
        counting.organization_id,
        counting.kind,
        counting.endpoint_id,
        'unknown',
        'whoever sent it stopped answering',
        now()
    FROM counting
)

SELECT
    counting.id AS job_id,
    counting.state
FROM counting;
