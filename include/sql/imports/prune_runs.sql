-- Forget some of the imports that began long ago, the oldest first.
--   before  timestamptz
--   size    integer      how many at most
-- Returns how many rows went.
WITH gone AS (
    DELETE FROM import_runs
    WHERE id IN (
        SELECT aged.id
        FROM import_runs AS aged
        WHERE aged.started_at < %(before)s
        ORDER BY aged.id
        LIMIT %(size)s
    )
    RETURNING 1
)

SELECT count(*)
FROM gone;
