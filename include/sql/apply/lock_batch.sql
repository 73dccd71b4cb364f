-- Take the next documents of a shard and lock their rows, always in the order of their ids, so that
-- two workers never wait for each other in a circle. Judging comes in a later statement, whose
-- snapshot sees what was committed while this one waited.
--   plan_id, action_index, shard
--   size          integer    documents per batch
--   document_ids  bigint[]   only these; NULL for the next ones that are still planned
-- Returns document_id bigint.
SELECT document.id AS document_id
FROM documents AS document
WHERE
    document.id IN (
        SELECT item.document_id
        FROM plan_items AS item
        WHERE
            item.plan_id = %(plan_id)s
            AND item.action_index = %(action_index)s
            AND item.shard = %(shard)s
            AND item.state = 'planned'
            AND (
                %(document_ids)s::bigint [] IS NULL
                OR item.document_id = ANY(%(document_ids)s::bigint [])
            )
        ORDER BY item.document_id
        LIMIT %(size)s
    )
ORDER BY document.id
FOR NO KEY UPDATE;
