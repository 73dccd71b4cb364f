-- Give back leased jobs that were not tried.
--   batch_id  bigint
--   job_ids   bigint[]
UPDATE job_batches
SET
    job_ids = ARRAY(
        SELECT leased.job_id
        FROM unnest(job_ids) AS leased (job_id)
        WHERE leased.job_id <> ALL(%(job_ids)s::bigint [])
    )
WHERE id = %(batch_id)s;
