-- Take a worker that ends in order off the list; what it still leases is free again, and was not
-- tried.
--   worker_id  bigint
WITH freed AS (
    DELETE FROM job_batches
    WHERE worker_id = %(worker_id)s
)

DELETE FROM job_workers
WHERE id = %(worker_id)s;
