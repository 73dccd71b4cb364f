-- The payloads of a bag that are to be taken out of it: no document refers to them, or the document
-- that does is being purged.
--   bag_id  bigint
SELECT
    id AS object_id,
    uri,
    size_bytes,
    sha256,
    etag,
    version_id
FROM stored_objects
WHERE
    bag_id = %(bag_id)s
    AND (reference_count = 0 OR removing_since IS NOT NULL)
    AND removed_at IS NULL
ORDER BY id;
