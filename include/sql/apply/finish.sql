-- Call a plan applied when nothing of it is left to do.
--   plan_id  bigint
--   now      timestamptz
UPDATE plans
SET state = 'applied', applied_at = %(now)s
WHERE
    id = %(plan_id)s
    AND state = 'applying'
    AND NOT EXISTS (
        SELECT FROM plan_items WHERE plan_items.plan_id = plans.id AND plan_items.state = 'planned'
    )
RETURNING id;
