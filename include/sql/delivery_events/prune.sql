-- Forget some of what mail services told long ago, the oldest first.
--   before  timestamptz
--   size    integer      how many at most
-- Returns how many rows went.
WITH gone AS (
    DELETE FROM delivery_events
    WHERE id IN (
        SELECT aged.id
        FROM delivery_events AS aged
        WHERE aged.received_at < %(before)s
        ORDER BY aged.received_at
        LIMIT %(size)s
    )
    RETURNING 1
)

SELECT count(*)
FROM gone;
