-- Note that a worker begins to send what it has fetched ahead.
--   batch_id  bigint
-- Returns its id, or no row when the lease was taken away meanwhile, or all was halted.
UPDATE job_batches
SET begun_at = now()
WHERE id = %(batch_id)s AND halt_reason() IS NULL
RETURNING id;
