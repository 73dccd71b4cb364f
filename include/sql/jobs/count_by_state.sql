-- How many jobs there are of each kind and state; the completed ones of the last days, from counters.
--   organization     text         NULL for all
--   now              timestamptz
--   completed_since  date         the first day (UTC) of which completed jobs are counted
--   most             bigint       only the oldest so many unfinished jobs are counted, and the newest
--                                 so many of those given up; NULL for all
-- Returns kind, state, jobs, oldest_at, is_whole (false: there are more).
WITH leased AS (
    SELECT unnest(batch.job_ids) AS job_id
    FROM job_batches AS batch
    INNER JOIN job_workers AS worker ON batch.worker_id = worker.id
    WHERE worker.leased_until > %(now)s
),

unfinished AS MATERIALIZED (
    SELECT
        job.id,
        job.kind,
        job.created_at
    FROM jobs AS job
    WHERE
        %(organization)s::text IS NULL
        OR job.organization_id = (SELECT id FROM organizations WHERE slug = %(organization)s)
    ORDER BY job.id
    LIMIT %(most)s
),

given_up AS MATERIALIZED (
    SELECT
        job.kind,
        job.state,
        job.created_at
    FROM jobs_failed AS job
    WHERE
        %(organization)s::text IS NULL
        OR job.organization_id = (SELECT id FROM organizations WHERE slug = %(organization)s)
    ORDER BY job.id DESC
    LIMIT %(most)s
),

tally AS (
    SELECT
        job.kind,
        CASE WHEN leased.job_id IS NULL THEN 'pending' ELSE 'processing' END AS state,
        count(*) AS jobs,
        min(job.created_at) AS oldest_at,
        (SELECT count(*) FROM unfinished) < coalesce(%(most)s, 'infinity'::float8) AS is_whole
    FROM unfinished AS job
    LEFT JOIN leased ON job.id = leased.job_id
    GROUP BY job.kind, leased.job_id IS NULL
    UNION ALL
    SELECT
        job.kind,
        job.state,
        count(*) AS jobs,
        min(job.created_at) AS oldest_at,
        (SELECT count(*) FROM given_up) < coalesce(%(most)s, 'infinity'::float8) AS is_whole
    FROM given_up AS job
    GROUP BY job.kind, job.state
    UNION ALL
    SELECT
        kind,
        'completed' AS state,
        sum(completed)::bigint AS jobs,
        NULL AS oldest_at,
        TRUE AS is_whole
    FROM job_counts
    WHERE
        day >= %(completed_since)s
        AND (
            %(organization)s::text IS NULL
            OR organization_id = (SELECT id FROM organizations WHERE slug = %(organization)s)
        )
    GROUP BY kind
)

SELECT
    kind,
    state,
    jobs,
    oldest_at,
    is_whole
FROM tally
ORDER BY kind, state;
