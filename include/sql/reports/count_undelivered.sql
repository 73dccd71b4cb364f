-- Messages and other jobs that were given up in some days.
--   organization_id  bigint
--   since            timestamptz  the first moment
--   until            timestamptz  the first moment that is not in it
-- Returns kind, jobs and last_error (the latest).
SELECT
    kind,
    count(*) AS jobs,
    (array_agg(last_error ORDER BY finished_at DESC))[1] AS last_error
FROM jobs_failed
WHERE
    organization_id = %(organization_id)s
    AND state = 'failed'
    AND finished_at >= %(since)s
    AND finished_at < %(until)s
GROUP BY kind
ORDER BY jobs DESC, kind ASC;
