-- Write down when bytes were looked at and by what it is known how they are. Bytes that were registered
-- anew meanwhile, or whose destruction has begun, are left out: what was seen is not about them.
--   now      timestamptz
--   results  jsonb        list of {object_id, sha256 (hex, as recorded then), by}
-- Returns object_id of each that counts.
UPDATE stored_objects
SET fixity_checked_at = %(now)s, fixity_by = seen.by
FROM jsonb_to_recordset(%(results)s) AS seen (object_id bigint, sha256 text, by text)
WHERE
    stored_objects.id = seen.object_id
    AND stored_objects.sha256 = decode(seen.sha256, 'hex')
    AND stored_objects.removed_at IS NULL
    AND stored_objects.removing_since IS NULL
RETURNING stored_objects.id AS object_id;
