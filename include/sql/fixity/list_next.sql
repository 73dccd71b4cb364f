-- The bytes that were not checked for longest, those never checked first: what active, archived and
-- trashed documents stand on. What is being destroyed is left out.
--   before              timestamptz  only what was not looked at since
--   after, after_id     timestamptz, bigint  the last one of the set before: when it was checked (NULL
--                                            for never) and its number; NULL and 0 to begin
--   left_out            bigint[]     stores that cannot be asked now
--   size                integer
SELECT
    id AS object_id,
    store_id,
    uri,
    size_bytes,
    sha256,
    etag,
    version_id,
    coalesce(fixity_by IN ('provider', 'nobody'), false) AS is_cold,
    fixity_checked_at AS looked_at
FROM stored_objects
WHERE
    removed_at IS NULL
    AND removing_since IS NULL
    AND reference_count > 0
    AND coalesce(fixity_checked_at, '-infinity'::timestamptz) < %(before)s
    AND (coalesce(fixity_checked_at, '-infinity'::timestamptz), id)
    > (coalesce(%(after)s::timestamptz, '-infinity'::timestamptz), %(after_id)s)
    AND store_id <> ALL(%(left_out)s::bigint [])
ORDER BY coalesce(fixity_checked_at, '-infinity'::timestamptz), id
LIMIT %(size)s;
