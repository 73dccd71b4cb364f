-- The documents that were destroyed in some days, and those at which something failed.
--   organization_id  bigint
--   since            timestamptz  the first moment
--   until            timestamptz  the first moment that is not in it
--   size             integer      so many of each
-- Returns section (purged or failed), total (all of the section), rule, action, document_id, external_id,
-- title (of a purged document there is none any more), finished_at, size_bytes and reason (of a failure).
SELECT
    ranked.section,
    ranked.total,
    ranked.rule,
    ranked.action,
    ranked.document_id,
    ranked.external_id,
    ranked.title,
    ranked.finished_at,
    ranked.size_bytes,
    ranked.reason
FROM (
    SELECT
        item.rule,
        item.action,
        item.document_id,
        document.external_id,
        document.title,
        item.finished_at,
        item.size_bytes,
        CASE item.state WHEN 'failed' THEN 'failed' ELSE 'purged' END AS section,
        CASE WHEN item.state = 'failed' THEN item.reason END AS reason,
        count(*) OVER (PARTITION BY item.state) AS total,
        row_number() OVER (
            PARTITION BY item.state
            ORDER BY item.finished_at, item.plan_id, document.id, item.action_index
        ) AS place
    FROM finished_items(%(organization_id)s, %(since)s, %(until)s) AS item
    INNER JOIN documents AS document ON item.document_id = document.id
    WHERE item.state = 'failed' OR (item.state = 'done' AND item.action = 'PURGE')
) AS ranked
WHERE ranked.place <= %(size)s
ORDER BY ranked.section, ranked.place;
