-- Lease the next jobs to a worker, in the order of their turn; none while all is halted.
--   worker_id        bigint
--   size             integer
--   kinds            text[]         what this worker can send
--   full_endpoints   bigint[]       endpoints whose jobs it has enough of
--   hint_priorities  smallint[]     where the last claim ended, per priority; empty to look
--   hint_run_ats     timestamptz[]  at everything
SELECT
    claimed.batch_id,
    claimed.job_id,
    claimed.organization_id,
    organization.slug AS organization,
    claimed.kind,
    claimed.payload,
    claimed.endpoint_id,
    claimed.attempts,
    claimed.timeout_seconds,
    claimed.priority,
    claimed.run_at
FROM claim_jobs(
    %(worker_id)s,
    %(size)s,
    %(kinds)s,
    %(full_endpoints)s,
    %(hint_priorities)s,
    %(hint_run_ats)s
) AS claimed
INNER JOIN organizations AS organization ON claimed.organization_id = organization.id;
