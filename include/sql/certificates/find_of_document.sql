-- The plan whose certificate lists a document.
--   document_id  bigint
-- Returns plan_id bigint and is_issued boolean; no row for a document that was not purged since
-- certificates are issued.
SELECT
    item.plan_id,
    issued.plan_id IS NOT NULL AS is_issued
FROM certificate_items AS item
LEFT JOIN certificates AS issued ON item.plan_id = issued.plan_id
WHERE item.document_id = %(document_id)s
ORDER BY item.destroyed_at DESC
LIMIT 1;
