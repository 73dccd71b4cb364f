-- Attempts to call the endpoints of an organization, the newest first: the delivery log. Each endpoint
-- is looked up by itself, by index, so that a page costs the same whatever the history.
--   organization_id  bigint
--   endpoint         text         only this one, or NULL for all
--   outcomes         text[]       only these: sent, retry, dead, unknown; NULL for all
--   words            text         only with this in number, status, error or answer, in any case of
--                                 letters; NULL for all
--   since            timestamptz  not before, or NULL
--   until            timestamptz  before, or NULL
--   before_at        timestamptz  only what is older than this attempt, for the next page; NULL to
--   before_job       bigint       begin
--   before_attempt   integer
--   reach            integer      of each endpoint at most so many are looked at
--   size             integer
-- Returns job_id, attempt, endpoint, outcome, status_code, latency_ms, answer_head, error, attempted_at,
-- state (of the job now: pending, failed, cancelled or completed; test when it is none).
SELECT
    page.job_id,
    page.attempt,
    page.endpoint,
    page.outcome,
    page.status_code,
    page.latency_ms,
    page.answer_head,
    page.error,
    page.attempted_at,
    CASE
        WHEN page.job_id < 0 THEN 'test'
        WHEN EXISTS (SELECT FROM jobs AS job WHERE job.id = page.job_id) THEN 'pending'
        ELSE coalesce(
            (SELECT job.state FROM jobs_failed AS job WHERE job.id = page.job_id), 'completed'
        )
    END AS state
FROM (
    SELECT
        endpoint.name AS endpoint,
        latest.*
    FROM webhook_endpoints AS endpoint
    CROSS JOIN LATERAL (
        SELECT
            attempted.job_id,
            attempted.attempt,
            attempted.outcome,
            attempted.status_code,
            attempted.latency_ms,
            attempted.answer_head,
            attempted.error,
            attempted.attempted_at
        FROM delivery_attempts AS attempted
        WHERE
            attempted.endpoint_id = endpoint.id
            AND (%(outcomes)s::text [] IS NULL OR attempted.outcome = ANY(%(outcomes)s))
            AND (%(since)s::timestamptz IS NULL OR attempted.attempted_at >= %(since)s)
            AND (%(until)s::timestamptz IS NULL OR attempted.attempted_at < %(until)s)
            AND (
                %(before_at)s::timestamptz IS NULL
                OR (attempted.attempted_at, attempted.job_id, attempted.attempt)
                < (%(before_at)s, %(before_job)s::bigint, %(before_attempt)s::integer)
            )
        ORDER BY attempted.attempted_at DESC, attempted.job_id DESC, attempted.attempt DESC
        LIMIT %(reach)s
    ) AS latest
    WHERE
        endpoint.organization_id = %(organization_id)s
        AND (%(endpoint)s::text IS NULL OR endpoint.name = %(endpoint)s)
        AND (
            %(words)s::text IS NULL
            OR strpos(
                lower(concat_ws(
                    ' ', latest.job_id, latest.status_code, latest.error, latest.answer_head
                )),
                lower(%(words)s)
            ) > 0
        )
    ORDER BY latest.attempted_at DESC, latest.job_id DESC, latest.attempt DESC
    LIMIT %(size)s
) AS page
ORDER BY page.attempted_at DESC, page.job_id DESC, page.attempt DESC;
