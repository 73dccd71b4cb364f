-- What there is to do: due now, or when.
-- Returns due_seconds (seconds until the next free job's turn, negative when it is overdue; NULL
-- when there is none), living and expired workers.
SELECT
    extract(EPOCH FROM next_due_at() - now())::float8 AS due_seconds,
    (SELECT count(*) FROM job_workers WHERE leased_until >= now()) AS living,
    (SELECT count(*) FROM job_workers WHERE leased_until < now()) AS expired;
