-- How many documents change in each way, and by how many days.
-- Returns kind, action, documents, size_bytes, held (how many of them are under legal hold),
-- fewest_days and most_days (NULL where one of the days is not known or without end).
WITH moved AS (
    SELECT
        change.document_id,
        change.kind,
        change.action,
        CASE
            WHEN isfinite(change.before_on) AND isfinite(change.after_on)
                THEN abs(change.after_on - change.before_on)
        END AS days
    FROM pg_temp.changes AS change
)

SELECT
    moved.kind,
    moved.action,
    count(*) AS documents,
    coalesce(sum(document.size_bytes), 0)::bigint AS size_bytes,
    count(*) FILTER (WHERE document.hold_count > 0) AS held,
    min(moved.days) AS fewest_days,
    max(moved.days) AS most_days
FROM moved
INNER JOIN documents AS document ON moved.document_id = document.id
GROUP BY moved.kind, moved.action
ORDER BY moved.action ASC, documents DESC;
