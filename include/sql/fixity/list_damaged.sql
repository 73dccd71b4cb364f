-- The bytes that are known to be damaged, the longest unseen first: they may have been mended.
--   before              timestamptz  only what was not looked at since
--   after, after_id     timestamptz, bigint  the last one of the set before: when its damage was last
--                                            seen, and its number; NULL and 0 to begin
--   left_out            bigint[]     stores that cannot be asked now
--   size                integer
SELECT
    object.id AS object_id,
    object.store_id,
    object.uri,
    object.size_bytes,
    object.sha256,
    object.etag,
    object.version_id,
    coalesce(object.fixity_by IN ('provider', 'nobody'), false) AS is_cold,
    damage.seen_at AS looked_at
FROM fixity_damages AS damage
INNER JOIN stored_objects AS object ON damage.object_id = object.id
WHERE
    damage.mended_at IS NULL
    AND damage.seen_at < %(before)s
    AND object.removed_at IS NULL
    AND object.removing_since IS NULL
    AND object.reference_count > 0
    AND object.store_id <> ALL(%(left_out)s::bigint [])
    AND (damage.seen_at, object.id)
    > (coalesce(%(after)s::timestamptz, '-infinity'::timestamptz), %(after_id)s)
ORDER BY damage.seen_at, object.id
LIMIT %(size)s;
