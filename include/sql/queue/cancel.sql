-- Cancel a job that nobody has begun to send.
--   job_id  bigint
--   reason  text
-- Returns whether it was cancelled.
SELECT cancel_job(%(job_id)s, %(reason)s) AS is_cancelled;
