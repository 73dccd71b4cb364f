-- How many jobs there are of each kind and state; the completed ones of the last days.
--   organization     text         NULL for all
--   now              timestamptz
--   completed_since  timestamptz  how far back completed jobs are counted
WITH leased AS (
    SELECT unnest(batch.job_ids) AS job_id
    FROM job_batches AS batch
    WHERE batch.leased_until > %(now)s
),

every_job AS (
    SELECT
        job.organization_id,
        job.kind,
        CASE WHEN leased.job_id IS NULL THEN 'pending' ELSE 'processing' END AS state,
        job.created_at
    FROM jobs AS job
    LEFT JOIN leased ON job.id = leased.job_id
    UNION ALL
    SELECT
        organization_id,
        kind,
        state,
        created_at
    FROM jobs_failed
    UNION ALL
    SELECT
        organization_id,
        kind,
        'completed' AS state,
        created_at
    FROM job_history
    WHERE finished_at > %(completed_since)s
)

SELECT
    every_job.kind,
    every_job.state,
    count(*) AS jobs,
    min(every_job.created_at) AS oldest_at
FROM every_job
INNER JOIN organizations AS organization ON every_job.organization_id = organization.id
WHERE %(organization)s::text IS NULL OR organization.slug = %(organization)s
GROUP BY every_job.kind, every_job.state
ORDER BY every_job.kind, every_job.state;
