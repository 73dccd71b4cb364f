-- One completed job, as jobs/describe returns others. It keeps no payload, but of a webhook call.
--   job_id  bigint
-- Returns at most one row.
SELECT
    job.id AS job_id,
    organization.slug AS organization,
    job.kind,
    'completed' AS state,
    job.payload,
    NULL::smallint AS priority,
    NULL::text AS unique_key,
    job.attempts,
    NULL::smallint AS max_attempts,
    NULL::timestamptz AS run_at,
    NULL::text AS last_error,
    NULL::text AS requested_by,
    NULL::bigint AS plan_id,
    job.created_at,
    job.finished_at
FROM job_history AS job
INNER JOIN organizations AS organization ON job.organization_id = organization.id
WHERE job.id = %(job_id)s;
