-- Who stored a job that is not done yet.
--   job_id  bigint
-- Returns requested_by text, or no row.
SELECT requested_by
FROM jobs
WHERE id = %(job_id)s;
