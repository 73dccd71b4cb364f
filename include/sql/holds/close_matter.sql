-- Close a matter.
--   matter_id  bigint
--   actor      text
--   now        timestamptz
UPDATE matters
SET released_at = %(now)s, released_by = %(actor)s
WHERE id = %(matter_id)s AND released_at IS NULL;
