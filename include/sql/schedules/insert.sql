-- Store a scheduled job.
--   organization_id  bigint
--   name, cron, time_zone, kind, missed_runs, created_by  text
--   payload          jsonb
--   next_run_at      timestamptz
-- Returns its id, or no row when the name is taken.
INSERT INTO scheduled_jobs (
    organization_id, name, cron, time_zone, kind, payload, missed_runs, next_run_at, created_by
)
VALUES (
    %(organization_id)s,
    %(name)s,
    %(cron)s,
    %(time_zone)s,
    %(kind)s,
    %(payload)s,
    %(missed_runs)s,
    %(next_run_at)s,
    %(created_by)s
)
ON CONFLICT ON CONSTRAINT a_schedule_name_is_unique DO NOTHING
RETURNING id;
