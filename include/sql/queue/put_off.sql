-- Let leased jobs that were not tried have their turn later: it costs them no attempt. Only what the
-- worker still leases; the lease itself is let go of with the batch.
--   batch_ids, job_ids  bigint[]  one for each job
--   delays              float8[]  seconds
--   reasons             text[]    why, for who asks about the job
WITH given AS MATERIALIZED (
    SELECT put_off.*
    FROM unnest(
        %(batch_ids)s::bigint [],
        %(job_ids)s::bigint [],
        %(delays)s::float8 [],
        %(reasons)s::text []
    ) AS put_off (batch_id, job_id, delay, reason)
),

locked AS MATERIALIZED (
    SELECT
        batch.id,
        batch.job_ids
    FROM job_batches AS batch
    WHERE batch.id = ANY(%(batch_ids)s)
    ORDER BY batch.id
    FOR UPDATE
)

UPDATE jobs AS job
SET
    run_at = now() + make_interval(secs => given.delay),
    last_error = coalesce(given.reason, job.last_error)
FROM given
INNER JOIN locked ON given.batch_id = locked.id
WHERE job.id = given.job_id AND given.job_id = ANY(locked.job_ids);
