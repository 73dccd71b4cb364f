-- Which of some locked documents a plan would still destroy, and whether that has begun: then it is
-- brought to its end, and nobody decides about it any more.
--   plan_id       bigint
--   document_ids  bigint[]
SELECT
    document.id,
    document.status = 'purging' AS has_begun
FROM documents AS document
WHERE
    document.id = ANY(%(document_ids)s::bigint [])
    AND EXISTS (
        SELECT
        FROM plan_items AS item
        WHERE
            item.plan_id = %(plan_id)s
            AND item.document_id = document.id
            AND item.state = 'planned'
            AND item.action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL')
    )
ORDER BY document.id;
