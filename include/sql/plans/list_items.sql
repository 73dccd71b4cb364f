-- A page of a plan's items with what they are about, in the order of the documents.
--   plan_id  bigint
--   after    bigint   the last document of the page before; 0 for the first page
--   state    text     only items in this state; NULL for all
--   size     integer  items per page
SELECT
    item.document_id,
    document.external_id,
    document.title,
    item.action,
    item.state,
    item.reason_code,
    item.reason,
    item.anchor_on,
    item.retain_until,
    item.due_on,
    item.size_bytes,
    blocking.name || '@' || version.version AS blocking_rule
FROM plan_items AS item
INNER JOIN documents AS document ON item.document_id = document.id
LEFT JOIN rule_versions AS version ON item.blocking_rule_version_id = version.id
LEFT JOIN rules AS blocking ON version.rule_id = blocking.id
WHERE
    item.plan_id = %(plan_id)s
    AND item.document_id > %(after)s
    AND (%(state)s::text IS NULL OR item.state = %(state)s)
ORDER BY item.document_id, item.action_index
LIMIT %(size)s;
