-- Unfinished jobs by what they wait for, counted in a sample of pages: always the same pages, so that a
-- number changes only where the queue does.
--   percent  real         of the pages; 100 counts all
--   now      timestamptz
-- Returns organization, kind, state (due, kept_back: due and not to be tried now, later, processing), jobs
-- (in the sample), oldest_due_at (of those that are due).
WITH leased AS (
    SELECT unnest(batch.job_ids) AS job_id
    FROM job_batches AS batch
),

judged AS (
    SELECT
        job.organization_id,
        job.kind,
        job.run_at,
        CASE
            WHEN job.id IN (SELECT leased.job_id FROM leased) THEN 'processing'
            WHEN job.run_at > %(now)s THEN 'later'
            WHEN stop.kind IS NOT NULL THEN 'kept_back'
            WHEN job.kind = 'webhook' AND endpoint.id IS NULL THEN 'kept_back'
            WHEN endpoint.state <> 'enabled' OR endpoint.rests_until > %(now)s THEN 'kept_back'
            ELSE 'due'
        END AS state
    FROM jobs AS job TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (0)
    LEFT JOIN webhook_endpoints AS endpoint ON job.endpoint_id = endpoint.id
    LEFT JOIN channel_stops AS stop ON job.kind = stop.kind AND stop.stopped_until > %(now)s
)

SELECT
    organization.slug AS organization,
    judged.kind,
    judged.state,
    count(*) AS jobs,
    min(judged.run_at) FILTER (WHERE judged.state = 'due') AS oldest_due_at
FROM judged
INNER JOIN organizations AS organization ON judged.organization_id = organization.id
GROUP BY organization.slug, judged.kind, judged.state;
