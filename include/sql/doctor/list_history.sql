-- How far ahead the history tables have partitions, and of which days (UTC) rows lie in the default one.
-- Returns name, last_day (NULL without any), strays_from and strays_until (NULL when the default one is empty).
WITH stray AS (
    SELECT
        'job_history' AS name,
        min(finished_at) AS first_at,
        max(finished_at) AS last_at
    FROM job_history_default
    UNION ALL
    SELECT
        'delivery_attempts' AS name,
        min(attempted_at) AS first_at,
        max(attempted_at) AS last_at
    FROM delivery_attempts_default
)

SELECT
    stray.name,
    (
        SELECT max(to_date(right(child.relname, 8), 'YYYYMMDD'))
        FROM pg_inherits AS link
        INNER JOIN pg_class AS child ON link.inhrelid = child.oid
        WHERE link.inhparent = to_regclass(stray.name) AND child.relname ~ '_[0-9]{8}$'
    ) AS last_day,
    (stray.first_at AT TIME ZONE 'UTC')::date AS strays_from,
    (stray.last_at AT TIME ZONE 'UTC')::date AS strays_until
FROM stray;
