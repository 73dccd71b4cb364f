-- Close a matter that holds nobody any more; once more does nothing.
--   matter_id  bigint
--   actor      text
--   reason     text         may be NULL
--   now        timestamptz
UPDATE matters
SET released_at = %(now)s, released_by = %(actor)s, release_reason = %(reason)s
WHERE id = %(matter_id)s AND released_at IS NULL;
