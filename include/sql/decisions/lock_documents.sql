-- Lock the documents that a plan would still destroy, in the order of their ids, as everybody takes
-- them. Whatever was waited for has been done by then: list_open says what is left.
--   plan_id       bigint
--   document_ids  bigint[]  only these; NULL for all
SELECT document.id
FROM documents AS document
WHERE
    document.id IN (
        SELECT item.document_id
        FROM plan_items AS item
        WHERE
            item.plan_id = %(plan_id)s
            AND item.state = 'planned'
            AND item.action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL')
            AND (
                %(document_ids)s::bigint [] IS NULL
                OR item.document_id = ANY(%(document_ids)s::bigint [])
            )
    )
ORDER BY document.id
FOR NO KEY UPDATE;
