-- Call a plan applied whose remaining items were closed because it may not go on.
--   plan_id  bigint
--   now      timestamptz
UPDATE plans
SET state = 'applied', applied_at = %(now)s
WHERE id = %(plan_id)s AND state = 'applying';
