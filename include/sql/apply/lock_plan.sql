-- Wait for every batch of a plan that is under way, and let none begin until the transaction ends.
--   plan_id  bigint
SELECT id
FROM plans
WHERE id = %(plan_id)s
FOR UPDATE;
