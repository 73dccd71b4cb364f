-- Jobs that were given up and lie there, counted in a sample of pages, always the same.
--   percent  real  of the pages; 100 counts all
-- Returns organization, kind, jobs (in the sample).
SELECT
    organization.slug AS organization,
    job.kind,
    count(*) AS jobs
FROM jobs_failed AS job TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0)
INNER JOIN organizations AS organization ON job.organization_id = organization.id
WHERE job.state = 'failed'
GROUP BY organization.slug, job.kind;
