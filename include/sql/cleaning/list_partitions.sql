-- The daily partitions of the history tables, with the day each begins on.
-- Returns parent text, name text, day date.
SELECT
    parent.relname AS parent,
    child.relname AS name,
    to_date(right(child.relname, 8), 'YYYYMMDD') AS day
FROM pg_inherits AS link
INNER JOIN pg_class AS parent ON link.inhparent = parent.oid
INNER JOIN pg_class AS child ON link.inhrelid = child.oid
WHERE
    parent.relnamespace = 'doclife'::regnamespace
    AND parent.relname IN ('job_history', 'delivery_attempts')
    AND child.relname ~ '_[0-9]{8}$'
ORDER BY parent.relname, child.relname;
