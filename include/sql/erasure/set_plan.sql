-- Note the plan that does what a request asks for; NULL keeps what is there.
--   request_id     bigint
--   plan_id        bigint
--   purge_plan_id  bigint
UPDATE erasure_requests
SET
    plan_id = coalesce(%(plan_id)s, plan_id),
    purge_plan_id = coalesce(%(purge_plan_id)s, purge_plan_id)
WHERE id = %(request_id)s AND state = 'open';
