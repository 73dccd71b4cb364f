-- What a mail service told about the mail of a job, the first first.
--   job_id  bigint
SELECT
    outcome,
    is_lasting,
    address,
    reason,
    occurred_at,
    received_at,
    provider
FROM delivery_events
WHERE job_id = %(job_id)s
ORDER BY occurred_at, id;
