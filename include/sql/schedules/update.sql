-- Change a scheduled job; it begins anew at its next time.
--   schedule_id                         bigint
--   cron, time_zone, kind, missed_runs  text
--   payload                             jsonb
--   next_run_at                         timestamptz
UPDATE scheduled_jobs
SET
    cron = %(cron)s,
    time_zone = %(time_zone)s,
    kind = %(kind)s,
    payload = %(payload)s,
    missed_runs = %(missed_runs)s,
    next_run_at = %(next_run_at)s
WHERE id = %(schedule_id)s;
