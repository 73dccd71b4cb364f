-- What there is to do: now, or when.
-- Returns due_seconds (until the next free job's turn, negative when it is overdue; NULL when there is
-- none), schedule_seconds (likewise for scheduled jobs), has_events (that wait for a reaction), living
-- workers, lease_seconds (until the first of their leases runs out), and expired workers. Nothing is to be done while all is halted.
SELECT
    extract(EPOCH FROM next_due_at() - now())::float8 AS due_seconds,
    (
        SELECT extract(EPOCH FROM min(coalesce(next_run_at, now())) - now())::float8
        FROM scheduled_jobs
        WHERE is_active AND halt_reason() IS NULL
    ) AS schedule_seconds,
    EXISTS (SELECT FROM events_to_react) AND halt_reason() IS NULL AS has_events,
    (SELECT count(*) FROM job_workers WHERE leased_until >= now()) AS living,
    (
        SELECT extract(EPOCH FROM min(leased_until) - now())::float8
        FROM job_workers
        WHERE leased_until >= now()
    ) AS lease_seconds,
    (
        SELECT count(*) FROM job_workers
        WHERE leased_until < now() AND halt_reason() IS NULL
    ) AS expired;
