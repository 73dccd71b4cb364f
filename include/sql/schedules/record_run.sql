-- Note that a scheduled job ran, or why it did not, and when it is next.
--   schedule_id  bigint
--   last_run_at  timestamptz  NULL: as before
--   next_run_at  timestamptz  NULL: as before
--   last_state   text         NULL: as before
--   is_active    boolean      NULL: as before
UPDATE scheduled_jobs
SET
    last_run_at = coalesce(%(last_run_at)s, last_run_at),
    next_run_at = coalesce(%(next_run_at)s, next_run_at),
    last_state = coalesce(%(last_state)s, last_state),
    is_active = coalesce(%(is_active)s, is_active)
WHERE id = %(schedule_id)s;
