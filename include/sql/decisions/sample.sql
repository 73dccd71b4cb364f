-- A few documents that a plan would destroy, the longest overdue first, without their names.
--   plan_id  bigint
--   size     integer
SELECT
    item.document_id,
    document.document_type,
    item.action,
    item.due_on,
    item.size_bytes
FROM plan_items AS item
INNER JOIN documents AS document ON item.document_id = document.id
WHERE
    item.plan_id = %(plan_id)s
    AND item.state = 'planned'
    AND item.action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL')
ORDER BY item.due_on NULLS LAST, item.document_id
LIMIT %(size)s;
