-- Write down how many documents a rule could not judge.
UPDATE plans
SET unknown_count = %(unknown_count)s
WHERE id = %(plan_id)s;
