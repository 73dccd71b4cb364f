-- Forget a scheduled job; the jobs that it has stored stay.
--   schedule_id  bigint
DELETE FROM scheduled_jobs
WHERE id = %(schedule_id)s;
