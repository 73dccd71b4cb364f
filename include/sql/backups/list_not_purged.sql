-- Which of some documents are here, and not destroyed.
--   document_ids  bigint[]
-- Returns document_id, status, hold_count, reason: what the last plan that would have destroyed it says.
SELECT
    document.id AS document_id,
    document.status,
    document.hold_count,
    (
        SELECT item.reason
        FROM plan_items AS item
        WHERE item.document_id = document.id AND item.state <> 'done'
        ORDER BY item.plan_id DESC
        LIMIT 1
    ) AS reason
FROM documents AS document
WHERE document.id = ANY(%(document_ids)s::bigint []) AND document.status <> 'purged'
ORDER BY document.id;
