-- Forget some of what people were shown in the dashboard long ago, the oldest first.
--   read_before    timestamptz  what was read goes when it came before this
--   unread_before  timestamptz  what nobody has read: before this
--   size           integer      how many at most
-- Returns how many rows went.
WITH gone AS (
    DELETE FROM notifications
    WHERE id IN (
        SELECT aged.id
        FROM notifications AS aged
        WHERE
            aged.created_at < %(unread_before)s
            OR (aged.created_at < %(read_before)s AND aged.read_at IS NOT NULL)
        ORDER BY aged.id
        LIMIT %(size)s
    )
    RETURNING 1
)

SELECT count(*)
FROM gone;
