-- How far ahead the history tables have partitions.
-- Returns name, last_day (NULL without any), is_overflowing (the default partition has rows).
SELECT
    parent.name,
    (
        SELECT max(to_date(right(child.relname, 8), 'YYYYMMDD'))
        FROM pg_inherits AS link
        INNER JOIN pg_class AS child ON link.inhrelid = child.oid
        WHERE link.inhparent = to_regclass(parent.name) AND child.relname ~ '_[0-9]{8}$'
    ) AS last_day,
    CASE parent.name
        WHEN 'job_history' THEN EXISTS (SELECT FROM job_history_default)
        ELSE EXISTS (SELECT FROM delivery_attempts_default)
    END AS is_overflowing
FROM (VALUES ('job_history'), ('delivery_attempts')) AS parent (name);
