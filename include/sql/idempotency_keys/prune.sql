-- Forget some of the keys that count no more, the oldest first.
--   before  timestamptz
--   size    integer      how many at most
-- Returns how many rows went.
WITH gone AS (
    DELETE FROM idempotency_keys
    WHERE (requested_by, key) IN (
        SELECT
            aged.requested_by,
            aged.key
        FROM idempotency_keys AS aged
        WHERE aged.created_at <= %(before)s
        ORDER BY aged.created_at
        LIMIT %(size)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING 1
)

SELECT count(*)
FROM gone;
