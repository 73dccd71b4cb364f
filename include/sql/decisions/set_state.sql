-- Move a plan that waits for a person on.
--   plan_id  bigint
--   state    text         approved or rejected
--   now      timestamptz
-- Returns its id, or no row when it waits for nobody any more.
UPDATE plans
SET
    state = %(state)s,
    approved_at = CASE WHEN %(state)s = 'approved' THEN %(now)s ELSE approved_at END
WHERE id = %(plan_id)s AND state = 'needs_approval'
RETURNING id;
