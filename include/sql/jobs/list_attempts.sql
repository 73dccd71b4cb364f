-- Every attempt to deliver a job, the first one first.
--   job_id  bigint
--   since   timestamptz  there are none before; other days of the history are not read
SELECT
    attempt,
    outcome,
    status_code,
    latency_ms,
    answer_head,
    error,
    attempted_at
FROM delivery_attempts
WHERE job_id = %(job_id)s AND attempted_at >= %(since)s
ORDER BY attempted_at, attempt;
