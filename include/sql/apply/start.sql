-- Begin to apply a plan; the database refuses it when it is halted or an approval is missing.
--   plan_id  bigint
--   now      timestamptz
UPDATE plans
SET state = 'applying', applying_at = %(now)s
WHERE id = %(plan_id)s AND state IN ('planned', 'approved') AND mode = 'enforce'
RETURNING id;
