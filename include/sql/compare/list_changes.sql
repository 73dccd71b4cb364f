-- The first documents of each way of changing.
--   size  integer  per kind and action
SELECT
    ranked.kind,
    ranked.action,
    document.external_id,
    document.title,
    document.hold_count > 0 AS is_held,
    ranked.before_on,
    ranked.after_on
FROM (
    SELECT
        change.*,
        row_number() OVER (
            PARTITION BY change.kind, change.action
            ORDER BY coalesce(change.after_on, change.before_on), change.document_id
        ) AS place
    FROM pg_temp.changes AS change
) AS ranked
INNER JOIN documents AS document ON ranked.document_id = document.id
WHERE ranked.place <= %(size)s
ORDER BY ranked.action, ranked.kind, ranked.place;
