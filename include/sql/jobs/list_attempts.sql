-- Every attempt to deliver a job, the first one first.
--   job_id  bigint
SELECT
    attempt,
    outcome,
    status_code,
    latency_ms,
    answer_head,
    error,
    attempted_at
FROM delivery_attempts
WHERE job_id = %(job_id)s
ORDER BY attempted_at, attempt;
