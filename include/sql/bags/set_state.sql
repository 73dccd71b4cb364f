-- Say how far a bag is.
--   bag_id  bigint
--   state   text     sealed, rewriting or removed
--   now     timestamptz
--   payload_count, payload_bytes  what is in it now; NULL leaves what was recorded
UPDATE archive_bags
SET
    state = %(state)s,
    sealed_at = coalesce(sealed_at, %(now)s),
    payload_count = coalesce(%(payload_count)s, payload_count),
    payload_bytes = coalesce(%(payload_bytes)s, payload_bytes)
WHERE id = %(bag_id)s;
