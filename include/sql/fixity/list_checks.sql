-- What checks have come to, the newest first.
--   check_id  bigint   only that one; NULL for all
--   size      integer
SELECT
    id AS check_id,
    started_at,
    ended_at,
    budget_bytes,
    object_count,
    byte_count,
    damaged_count,
    mended_count,
    cold_count
FROM fixity_checks
WHERE %(check_id)s::bigint IS NULL OR id = %(check_id)s
ORDER BY id DESC
LIMIT %(size)s;
