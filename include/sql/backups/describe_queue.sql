-- What goes out when a restored database is taken into service.
-- Returns one row: jobs (unfinished), leased (of them, those that were being sent when the backup was made),
-- schedules (that are due or will be).
SELECT
    (SELECT count(*) FROM jobs) AS jobs,
    (
        SELECT count(*)
        FROM job_batches AS batch
        CROSS JOIN LATERAL unnest(batch.job_ids) AS leased (job_id)
        INNER JOIN jobs AS job ON leased.job_id = job.id
    ) AS leased,
    (SELECT count(*) FROM scheduled_jobs WHERE is_active) AS schedules;
