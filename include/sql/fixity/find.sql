-- What a check has come to.
--   check_id  bigint
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
WHERE id = %(check_id)s;
