-- The scheduled jobs whose time has come, for this transaction alone; and those whose next time was
-- never worked out (stored by an application). Rules by cron are not among them.
--   now   timestamptz
--   size  integer
SELECT
    schedule.id AS schedule_id,
    organization.slug AS organization,
    schedule.organization_id,
    schedule.rule_id,
    schedule.name,
    schedule.cron,
    schedule.time_zone,
    schedule.kind,
    schedule.payload,
    schedule.missed_runs,
    schedule.is_active,
    schedule.last_run_at,
    schedule.next_run_at,
    schedule.last_state
FROM scheduled_jobs AS schedule
INNER JOIN organizations AS organization ON schedule.organization_id = organization.id
WHERE
    schedule.is_active
    AND schedule.rule_id IS NULL
    AND (schedule.next_run_at IS NULL OR schedule.next_run_at <= %(now)s)
    AND halt_reason() IS NULL
ORDER BY schedule.next_run_at NULLS FIRST, schedule.id
LIMIT %(size)s
FOR UPDATE OF schedule SKIP LOCKED;
