-- How far the messages of some plans have come.
--   plan_ids  bigint[]
--   kinds     text[]
-- Returns waiting (to be sent, or to be tried again), given_up (failed or cancelled), and the numbers and
-- errors of the first of these.
SELECT
    (
        SELECT count(*) FROM jobs AS job
        WHERE job.plan_id = ANY(%(plan_ids)s) AND job.kind = ANY(%(kinds)s)
    ) AS waiting,
    (
        SELECT count(*) FROM jobs_failed AS job
        WHERE job.plan_id = ANY(%(plan_ids)s) AND job.kind = ANY(%(kinds)s)
    ) AS given_up,
    ARRAY(
        SELECT 'job ' || job.id || ': ' || coalesce(job.last_error, job.state)
        FROM jobs_failed AS job
        WHERE job.plan_id = ANY(%(plan_ids)s) AND job.kind = ANY(%(kinds)s)
        ORDER BY job.id
        LIMIT 3
    ) AS reasons;
