-- How the queue is.
--   now  timestamptz
-- Returns one row: oldest_due_at (the turn of the free job that has waited longest, of those that
-- nothing keeps back; NULL without one), calls_without_endpoint (webhook calls that wait for an
-- endpoint of their name), expired_workers (their lease ran out and nobody took up their batches),
-- expired_since (since when), failed_today (jobs given up in the last 24 hours).
WITH leased AS (
    SELECT unnest(batch.job_ids) AS job_id
    FROM job_batches AS batch
),

expired AS (
    SELECT worker.leased_until
    FROM job_workers AS worker
    WHERE
        worker.leased_until < %(now)s
        AND EXISTS (SELECT FROM job_batches AS batch WHERE batch.worker_id = worker.id)
)

SELECT
    (
        SELECT min(job.run_at)
        FROM jobs AS job
        LEFT JOIN webhook_endpoints AS endpoint ON job.endpoint_id = endpoint.id
        WHERE
            job.run_at <= %(now)s
            AND (job.kind <> 'webhook' OR job.endpoint_id IS NOT NULL)
            AND (
                endpoint.id IS NULL
                OR (endpoint.state = 'enabled' AND coalesce(endpoint.rests_until <= %(now)s, TRUE))
            )
            AND NOT EXISTS (
                SELECT FROM channel_stops AS stop
                WHERE stop.kind = job.kind AND stop.stopped_until > %(now)s
            )
            AND NOT EXISTS (SELECT FROM leased WHERE leased.job_id = job.id)
    ) AS oldest_due_at,
    (SELECT count(*) FROM jobs WHERE kind = 'webhook' AND endpoint_id IS NULL)
        AS calls_without_endpoint,
    (SELECT count(*) FROM expired) AS expired_workers,
    (SELECT min(leased_until) FROM expired) AS expired_since,
    (
        SELECT count(*) FROM jobs_failed
        WHERE state = 'failed' AND finished_at > %(now)s - interval '24 hours'
    ) AS failed_today;
