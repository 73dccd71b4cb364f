-- Write down how many documents a rule could not judge.
--   plan_id        bigint
--   unknown_count  bigint
UPDATE plans
SET unknown_count = %(unknown_count)s
WHERE id = %(plan_id)s;
