-- Where the bytes of documents lie that are to be archived, in the order they go into bags.
--   plan_id, action_index
--   document_ids  bigint[]
SELECT
    item.document_id,
    item.retain_until,
    object.uri,
    object.size_bytes,
    object.sha256,
    object.etag,
    object.version_id
FROM plan_items AS item
INNER JOIN documents AS document ON item.document_id = document.id
LEFT JOIN stored_objects AS object
    ON document.stored_object_id = object.id AND object.removed_at IS NULL
WHERE
    item.plan_id = %(plan_id)s
    AND item.action_index = %(action_index)s
    AND item.document_id = ANY(%(document_ids)s::bigint [])
ORDER BY date_trunc('year', item.retain_until), item.document_id;
