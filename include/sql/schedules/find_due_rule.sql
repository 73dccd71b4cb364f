-- The schedule of a rule, if its time has (still) come.
--   schedule_id  bigint
--   now          timestamptz
-- Returns at most one row.
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
    schedule.id = %(schedule_id)s
    AND schedule.is_active
    AND schedule.rule_id IS NOT NULL
    AND (schedule.next_run_at IS NULL OR schedule.next_run_at <= %(now)s);
