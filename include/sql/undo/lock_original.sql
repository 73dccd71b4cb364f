-- Lock what is known of the bytes at a place, so that no purge begins to destroy them meanwhile.
--   uri  text
-- Returns whether a purge has begun to; no row when nothing was ever known there.
SELECT removing_since IS NOT NULL AND (removed_at IS NULL OR reference_count > 0) AS is_being_removed
FROM stored_objects
WHERE uri = %(uri)s
FOR NO KEY UPDATE;
