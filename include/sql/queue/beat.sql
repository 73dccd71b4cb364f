-- Say that a worker lives.
--   worker_id      bigint
--   lease_seconds  integer
-- Returns why everything is halted, or NULL; no row when the worker was given up for dead.
UPDATE job_workers
SET beats = beats + 1, leased_until = now() + make_interval(secs => %(lease_seconds)s)
WHERE id = %(worker_id)s
RETURNING halt_reason() AS halt_reason;
