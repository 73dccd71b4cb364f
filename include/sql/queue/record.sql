-- Record what became of leased jobs: the sent ones leave for the history, the dead ones and those
-- without an attempt left for jobs_failed, the rest waits for its next attempt. All of it or nothing,
-- and only what the worker still leases: one that was given up for dead changes nothing. Recording
-- the same results again changes nothing either.
--   batch_ids, job_ids        bigint[]    one for each result
--   attempts                  smallint[]  which attempt it was, 1 the first
--   outcomes                  text[]      sent, retry, dead or unknown
--   status_codes              smallint[]
--   latencies                 integer[]   milliseconds
--   answer_heads, errors      text[]
--   delays                    float8[]    seconds until the next attempt, if there is one
--   closed_batches            bigint[]    batches that have no more results to come
-- Returns for each result that counted: job_id, state (completed, failed, pending or cancelled).
WITH result AS MATERIALIZED (
    SELECT given.*
    FROM unnest(
        %(batch_ids)b::bigint [],
        %(job_ids)b::bigint [],
        %(attempts)b::smallint [],
        %(outcomes)b::text [],
        %(status_codes)b::smallint [],
        %(latencies)b::integer [],
        %(answer_heads)b::text [],
        %(errors)b::text [],
        %(delays)b::float8 []
    ) AS given (
        batch_id, job_id, attempt, outcome, status_code, latency_ms, answer_head, error, delay
    )
),

locked AS MATERIALIZED (
    SELECT
        batch.id,
        batch.job_ids
    FROM job_batches AS batch
    WHERE batch.id = ANY(%(batch_ids)b) OR batch.id = ANY(%(closed_batches)b)
    ORDER BY batch.id
    FOR UPDATE
),

leased AS MATERIALIZED (
    SELECT
        locked.id AS batch_id,
        each.job_id
    FROM locked
    CROSS JOIN LATERAL unnest(locked.job_ids) AS each (job_id)
),

mine AS MATERIALIZED (
    SELECT result.*
    FROM result
    INNER JOIN leased ON result.batch_id = leased.batch_id AND result.job_id = leased.job_id
),

ended AS (
    DELETE FROM jobs AS job
    USING mine
    WHERE
        job.id = mine.job_id
        AND job.attempts = mine.attempt - 1
        AND (mine.outcome IN ('sent', 'dead') OR mine.attempt >= job.max_attempts)
    RETURNING
        job.*,
        mine.attempt,
        mine.outcome,
        mine.status_code,
        mine.latency_ms,
        mine.answer_head,
        mine.error
),

again AS (
    UPDATE jobs AS job
    SET
        attempts = mine.attempt,
        run_at = now() + make_interval(secs => mine.delay),
        last_error = mine.error
    FROM mine
    WHERE
        job.id = mine.job_id
        AND job.attempts = mine.attempt - 1
        AND mine.outcome IN ('retry', 'unknown')
        AND mine.attempt < job.max_attempts
    RETURNING
        job.id,
        job.organization_id,
        job.kind,
        job.endpoint_id,
        mine.attempt,
        mine.outcome,
        mine.status_code,
        mine.latency_ms,
        mine.answer_head,
        mine.error
),

-- Cancelled while it was on its way: the attempt is told all the same.
too_late AS (
    UPDATE jobs_failed AS job
    SET
        attempts = mine.attempt,
        last_error = 'was on its way when it was cancelled: ' || mine.outcome
    FROM mine
    WHERE
        job.id = mine.job_id AND job.state = 'cancelled' AND job.attempts = mine.attempt - 1
    RETURNING
        job.id,
        job.organization_id,
        job.kind,
        job.endpoint_id,
        mine.attempt,
        mine.outcome,
        mine.status_code,
        mine.latency_ms,
        mine.answer_head,
        mine.error
),

remembered AS (
    INSERT INTO job_history (
        id, organization_id, kind, attempts, created_at, finished_at, endpoint_id, payload
    )
    SELECT
        ended.id,
        ended.organization_id,
        ended.kind,
        ended.attempt,
        ended.created_at,
        now(),
        ended.endpoint_id,
        CASE WHEN ended.endpoint_id IS NOT NULL THEN ended.payload END
    FROM ended
    WHERE ended.outcome = 'sent'
),

counted AS (
    INSERT INTO job_counts AS counts (organization_id, kind, day, completed)
    SELECT
        ended.organization_id,
        ended.kind,
        (now() AT TIME ZONE 'UTC')::date,
        count(*)
    FROM ended
    WHERE ended.outcome = 'sent'
    GROUP BY ended.organization_id, ended.kind
    ORDER BY ended.organization_id, ended.kind
    ON CONFLICT (organization_id, kind, day) DO UPDATE
        SET completed = counts.completed + excluded.completed
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
        ended.attempt,
        ended.max_attempts,
        ended.timeout_seconds,
        ended.error,
        ended.requested_by,
        ended.plan_id,
        ended.endpoint_id,
        ended.created_at,
        'failed'
    FROM ended
    WHERE ended.outcome <> 'sent'
),

counting AS (
    SELECT
        ended.id,
        ended.organization_id,
        ended.kind,
        ended.endpoint_id,
        ended.attempt,
        ended.outcome,
        ended.status_code,
        ended.latency_ms,
        ended.answer_head,
        ended.error,
        CASE ended.outcome WHEN 'sent' THEN 'completed' ELSE 'failed' END AS state
    FROM ended
    UNION ALL
    SELECT
        again.*,
        'pending' AS state
    FROM again
    UNION ALL
    SELECT
        too_late.*,
        'cancelled' AS state
    FROM too_late
),

attempted AS (
    INSERT INTO delivery_attempts (
        job_id, attempt, organization_id, kind, endpoint_id, outcome, status_code, latency_ms,
        answer_head, error, attempted_at
    )
    SELECT
        counting.id,
        counting.attempt,
        counting.organization_id,
        counting.kind,
        counting.endpoint_id,
        counting.outcome,
        counting.status_code,
        counting.latency_ms,
        counting.answer_head,
        counting.error,
        now()
    FROM counting
),

closed AS (
    DELETE FROM job_batches
    WHERE id = ANY(%(closed_batches)b)
)

SELECT
    counting.id AS job_id,
    counting.state
FROM counting;
