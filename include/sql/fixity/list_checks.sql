-- The newest checks.
--   size  integer
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
ORDER BY id DESC
LIMIT %(size)s;
