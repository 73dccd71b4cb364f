-- The bytes that were not checked for longest, those never checked first: what active, archived and
-- trashed documents stand on. What is being destroyed is left out.
--   before       timestamptz  only what was not looked at since
--   left_out     bigint[]     stores that cannot be asked now
--   unreadable   bigint[]     objects that could not be read a moment ago
--   size         integer
SELECT
    id AS object_id,
    store_id,
    uri,
    size_bytes,
    sha256,
    etag,
    version_id,
    coalesce(fixity_by IN ('provider', 'nobody'), false) AS is_cold
FROM stored_objects
WHERE
    removed_at IS NULL
    AND removing_since IS NULL
    AND reference_count > 0
    AND (fixity_checked_at IS NULL OR fixity_checked_at < %(before)s)
    AND store_id <> ALL(%(left_out)s::bigint [])
    AND id <> ALL(%(unreadable)s::bigint [])
ORDER BY fixity_checked_at NULLS FIRST, id
LIMIT %(size)s;
