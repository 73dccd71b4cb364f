-- Some of the bytes that documents stand on, chosen by chance.
--   seed  text     the same one chooses the same
--   size  integer
-- Returns uri, size_bytes, sha256, etag, version_id.
SELECT
    uri,
    size_bytes,
    sha256,
    etag,
    version_id
FROM stored_objects
WHERE removed_at IS NULL AND removing_since IS NULL AND reference_count > 0
ORDER BY md5(id::text || %(seed)s), id
LIMIT %(size)s;
