-- Call a plan undone.
--   plan_id  bigint
--   actor    text
--   now      timestamptz
UPDATE plans
SET state = 'undone', undone_at = %(now)s, undone_by = %(actor)s
WHERE id = %(plan_id)s AND state IN ('applying', 'applied')
RETURNING id;
