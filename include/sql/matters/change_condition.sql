-- Give an open matter another condition, or none. Who is held stays held.
--   matter_id  bigint
--   condition  jsonb        NULL: nothing is caught any more
--   actor      text
--   now        timestamptz
-- Returns its id; no row when the matter is closed.
UPDATE matters
SET condition = %(condition)s, changed_by = %(actor)s, changed_at = %(now)s
WHERE id = %(matter_id)s AND released_at IS NULL
RETURNING id;
