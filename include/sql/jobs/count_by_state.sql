-- How many jobs there are of each kind and state; the completed ones of the last days, from counters.
--   organization     text         NULL for all
--   now              timestamptz
--   completed_since  date         the first day (UTC) of which completed jobs are counted
WITH leased AS (
    SELECT unnest(batch.job_ids) AS job_id
    FROM job_batches AS batch
    INNER JOIN job_workers AS worker ON batch.worker_id = worker.id
    WHERE worker.leased_until > %(now)s
),

tally AS (
    SELECT
        job.organization_id,
        job.kind,
        CASE WHEN leased.job_id IS NULL THEN 'pending' ELSE 'processing' END AS state,
        count(*) AS jobs,
        min(job.created_at) AS oldest_at
    FROM jobs AS job
    LEFT JOIN leased ON job.id = leased.job_id
    GROUP BY job.organization_id, job.kind, leased.job_id IS NULL
    UNION ALL
    SELECT
        organization_id,
        kind,
        state,
        count(*) AS jobs,
        min(created_at) AS oldest_at
    FROM jobs_failed
    GROUP BY organization_id, kind, state
    UNION ALL
    SELECT
        organization_id,
        kind,
        'completed' AS state,
        completed AS jobs,
        NULL AS oldest_at
    FROM job_counts
    WHERE day >= %(completed_since)s
)

SELECT
    tally.kind,
    tally.state,
    sum(tally.jobs)::bigint AS jobs,
    min(tally.oldest_at) AS oldest_at
FROM tally
INNER JOIN organizations AS organization ON tally.organization_id = organization.id
WHERE %(organization)s::text IS NULL OR organization.slug = %(organization)s
GROUP BY tally.kind, tally.state
ORDER BY tally.kind, tally.state;
