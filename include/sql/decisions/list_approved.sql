-- The plans that were approved and that nobody has begun to apply.
--   plan_id  bigint  only this plan; NULL for all
SELECT id
FROM plans
WHERE
    state = 'approved'
    AND mode = 'enforce'
    AND (%(plan_id)s::bigint IS NULL OR id = %(plan_id)s)
ORDER BY id;
