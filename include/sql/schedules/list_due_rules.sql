-- Schedules of rules whose time has come; none while all is halted.
--   now  timestamptz
SELECT
    schedule.id AS schedule_id,
    schedule.organization_id
FROM scheduled_jobs AS schedule
WHERE
    schedule.is_active
    AND schedule.rule_id IS NOT NULL
    AND (schedule.next_run_at IS NULL OR schedule.next_run_at <= %(now)s)
    AND halt_reason() IS NULL
ORDER BY schedule.next_run_at NULLS FIRST, schedule.id;
