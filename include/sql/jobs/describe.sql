-- One job, unfinished or given up, with all that it carries.
--   job_id  bigint
--   now     timestamptz
-- Returns at most one row.
SELECT
    job.id AS job_id,
    organization.slug AS organization,
    job.kind,
    CASE
        WHEN EXISTS (
            SELECT
            FROM job_batches AS batch
            INNER JOIN job_workers AS worker ON batch.worker_id = worker.id
            WHERE worker.leased_until > %(now)s AND job.id = ANY(batch.job_ids)
        ) THEN 'processing'
        ELSE 'pending'
    END AS state,
    job.payload,
    job.priority,
    job.unique_key,
    job.attempts,
    job.max_attempts,
    job.run_at,
    job.last_error,
    job.requested_by,
    job.plan_id,
    job.created_at,
    NULL::timestamptz AS finished_at
FROM jobs AS job
INNER JOIN organizations AS organization ON job.organization_id = organization.id
WHERE job.id = %(job_id)s
UNION ALL
SELECT
    job.id,
    organization.slug,
    job.kind,
    job.state,
    job.payload,
    job.priority,
    job.unique_key,
    job.attempts,
    job.max_attempts,
    NULL,
    job.last_error,
    job.requested_by,
    job.plan_id,
    job.created_at,
    job.finished_at
FROM jobs_failed AS job
INNER JOIN organizations AS organization ON job.organization_id = organization.id
WHERE job.id = %(job_id)s;
